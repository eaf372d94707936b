/**
 * What a command loads: of what it does not use nothing, since loading takes longer than most of them run. Held by the
 * names of packages and files, not by the clock.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { programEnvironment } from '../support/program-environment.ts'
import { temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'

const directory = temporaryDirectory()
afterAll(() => directory.remove())

/** Writes the URLs of all modules that the process has resolved into the file that LOADED names, at its end. */
const listener = join(directory.path, 'listener.mjs')
mkdirSync(directory.path, { recursive: true })
writeFileSync(
  listener,
  `import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
const loaded = new Set()
process.once('exit', () => writeFileSync(process.env.LOADED, [...loaded].join('\\n')))
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    loaded.add(found.url)
    return found
  },
})`,
)

let runs = 0
/** The packages and the files of ours that `opslog <args>` loads, and how it ends. No service is to be found. */
async function loadedBy(args: readonly string[]): Promise<{ exitCode: number; packages: string[]; files: string[] }> {
  runs += 1
  const file = join(directory.path, `loaded-${runs}`)
  const nowhere = {
    EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false',
    DATABASE_URL: 'postgres://127.0.0.1:1/none',
    EVENTSTORE_DEADLINE_MS: '200',
    DATA_DIR: directory.path,
  }
  const program = ['--import', listener, join(root, 'src/cli/opslog.ts'), ...args]
  const env = { ...programEnvironment(), NODE_NO_WARNINGS: '1', LOADED: file, ...nowhere }
  const exitCode = await new Promise<number>((resolve, reject) => {
    execFile(process.execPath, program, { env }, (error) =>
      error && typeof error.code !== 'number' ? reject(error) : resolve(Number(error?.code ?? 0)),
    )
  })
  const urls = readFileSync(file, 'utf8').split('\n')
  const packages = urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? [])
  const ours = urls.flatMap((url) => /\/(src\/(?:(?!node_modules).)*\.ts)$/.exec(url)?.[1] ?? [])
  return { exitCode, packages: [...new Set(packages)].sort(), files: ours }
}

const SCREEN = ['commander', 'picocolors', 'cli-table3', 'string-width', '@colors/colors', 'emoji-regex', 'strip-ansi']
const STORE = ['@eventstore/db-client', '@grpc/grpc-js', 'google-protobuf']
const POSTGRES = ['pg', 'kysely']
const WEB = ['hono', '@hono/node-server', '@hono/zod-openapi', 'ws', 'prom-client']
const BROKER = ['nats']

describe('without a service', () => {
  it.each([
    [0, '--help'],
    [2, 'nothing'],
    [2, 'projections status --colour'],
    [2, 'dead-letters retry'],
    [2, 'config --colour'],
    [0, 'help projections'],
  ])('exit code %i: opslog %s loads what writes to the screen, and nothing else', async (exitCode, words) => {
    const loaded = await loadedBy(words.split(' '))
    expect(loaded.exitCode).toBe(exitCode)
    expect(loaded.packages.filter((name) => !SCREEN.includes(name) && !/ansi|fullwidth/.test(name))).toEqual([])
    // The list of contexts says where each one's commands are, and loads none of them.
    const isLight = (file: string) => file.startsWith('src/cli/') || file === 'src/contexts.ts'
    expect(loaded.files.filter((file) => !isLight(file))).toEqual([])
  })

  it.each([
    [2, 'admin operator create', [...STORE, ...POSTGRES, ...WEB, ...BROKER]],
    [2, 'admin forget-user --json', [...STORE, ...POSTGRES, ...WEB, ...BROKER]],
    [3, 'engine price', [...STORE, ...POSTGRES, ...WEB, ...BROKER]],
    [3, 'demo', [...STORE, ...POSTGRES, ...WEB, ...BROKER]],
    [1, 'store stats', [...POSTGRES, ...WEB, ...BROKER]],
    [0, 'config', [...WEB, ...BROKER]],
    [3, 'admin operator list', [...WEB, ...BROKER]],
    [3, 'projections status', [...WEB, ...BROKER]],
    [3, 'audit verify', [...WEB, ...BROKER]],
  ])('exit code %i: opslog %s does not load %j', async (exitCode, words, absent) => {
    const loaded = await loadedBy(words.split(' '))
    expect(loaded.exitCode).toBe(exitCode)
    expect(loaded.packages.filter((name) => absent.includes(name))).toEqual([])
    expect(loaded.packages).toContain('commander')
    // The names and bounds of its settings are no part of the server.
    expect(loaded.files.filter((file) => /^src\/http\/(?!settings\.ts)/.test(file))).toEqual([])
  })
})
