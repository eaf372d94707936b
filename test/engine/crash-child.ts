/**
 * A process for the crash test to kill: decides the commands that it reads from stdin, one JSON per line, many at a
 * time, and writes each command's id to stdout once its decision is on disk.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { AccountCommand } from '../../src/gateway/contract.ts'
import { openTestDesk } from './desk-harness.ts'

const directory = process.argv[2]
if (directory === undefined) throw new Error('usage: crash-child.ts DIRECTORY')
const { desk } = openTestDesk(directory)

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as AccountCommand
  void desk.submit({ kind: 'command', command }).then(() => writeSync(1, `${command.commandId}\n`))
}
