/** `node scripts/run.mjs <program> …` runs a program of this project as `node <program> …` would, on a Node that can. */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import './node-version.mjs'

const [node, , program, ...rest] = process.argv
const file = resolve(program)
process.argv = [node, file, ...rest]
await import(pathToFileURL(file).href)
