/** What the command line says of an error, and with which exit code. */
import { describe, expect, it } from 'vitest'
import { failureOf } from '../../src/cli/failures.ts'
import { EXIT } from '../../src/cli/terminal.ts'
import { PersonKeysUnavailable } from '../../src/events/sealing.ts'
import { StoreUnavailable } from '../../src/events/store.ts'
import { runCli, spawnCli } from '../support/cli.ts'

describe('an error on the command line', () => {
  it('that a person’s key does not open names the person, not what the cipher said', () => {
    const error = new PersonKeysUnavailable('the key of the person p does not open', { cause: new Error('bad tag') })
    expect(failureOf(error)).toMatchObject({ exitCode: EXIT.unreachable, message: error.message })
  })

  it('that a service is away names the address, and asks whether it runs', () => {
    const cause = new Error('connect ECONNREFUSED 127.0.0.1:2113')
    const failure = failureOf(new StoreUnavailable('the event store failed', { cause }))
    expect(failure).toMatchObject({ exitCode: EXIT.unreachable, message: cause.message })
    expect(failure?.hint).toMatch(/npm start/)
  })

  it('that nobody foresaw is none of those', () => {
    expect(failureOf(new RangeError('unforeseen'))).toBeUndefined()
  })
})

describe('a command that is wrongly used', () => {
  it.each([
    [['config', '--colour'], "unknown option '--colour'", spawnCli],
    [['admin', 'operator', 'create'], "required option '--name <name>' not specified", runCli],
    [['nothing'], "unknown command 'nothing'", runCli],
  ])('%j is told in JSON to those who ask for it', async (args, message, run) => {
    const { exitCode, stdout, stderr } = await run([...args, '--json'])
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'usage', message } })
  })
})
