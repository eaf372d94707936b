/** The image starts an instance as `npm start` does: the options of node decide how much memory it takes. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from './support/source.ts'

it('runs the command of npm start, in the place of the shell that has read it', () => {
  const commands = readFileSync(join(root, 'Dockerfile'), 'utf8').match(/(?<=^CMD ).*$/gm) ?? []
  const [program, ...args] = JSON.parse(commands.at(-1) ?? '[]') as [string, ...string[]]
  const directory = mkdtempSync(join(tmpdir(), 'opslog-test-image-'))
  try {
    // The shell's process id before exec is that of the program after it.
    const start = `echo $$; exec node --max-semi-space-size=16 --print "[process.pid, process.execArgv].join(' ')"`
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ scripts: { start } }))
    const said = execFileSync(program, args, { cwd: directory, encoding: 'utf8' })
    const [, shell, node] = said.match(/^(\d+)\n(\d+) --max-semi-space-size=16/) ?? []
    expect(node).toBe(shell)
    expect(node).toMatch(/^\d+$/)
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(scripts.start).toMatch(/^exec node /)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
