/**
 * A full disk, played by the limit on the size of files that the operating system puts on one process: the write fails
 * half-way as it does on a full disk, and succeeds again once the limit is lifted.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { expect, test } from 'vitest'
import { verifyStore } from '../../../src/embedded/eventstore/verification.ts'
import { collect, newStream, numbersOf, temporaryDirectory } from './support/node.ts'

const MAIN = fileURLToPath(new URL('../../../src/embedded/eventstore/main.ts', import.meta.url))

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test.runIf(hasPrlimit())(
  'a full disk fails appends and loses nothing; when there is space again they succeed',
  async () => {
    const directory = temporaryDirectory()
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', MAIN, '--directory', directory.path],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [line] = await once(child.stdout!, 'data')
    const { url } = JSON.parse(String(line)) as { url: string }
    const client = EventStoreDBClient.connectionString(url)
    const stream = newStream()
    const event = (number: number) => jsonEvent({ type: 'test.Full.v1', data: { number, pad: 'x'.repeat(5000) } })
    const limit = (bytes: string) => execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:unlimited`])
    limit('300000')
    let last: bigint | typeof NO_STREAM = NO_STREAM
    let failure: unknown
    const acknowledged: number[] = []
    for (let number = 0; failure === undefined && number < 200; number++) {
      try {
        last = (await client.appendToStream(stream, event(number), { expectedRevision: last })).nextExpectedRevision
        acknowledged.push(number)
      } catch (error) {
        failure = error
      }
    }
    expect(acknowledged.length).toBeGreaterThan(10)
    expect(acknowledged.length).toBeLessThan(70)
    expect(failure).toMatchObject({ type: 'deadline-exceeded' })
    await expect(client.appendToStream(stream, event(999), { expectedRevision: last })).rejects.toThrow()
    expect(numbersOf(await collect(client.readStream(stream)))).toEqual(acknowledged)
    limit('unlimited')
    const next = acknowledged.length
    const result = await client.appendToStream(stream, event(next), { expectedRevision: last })
    expect(result.nextExpectedRevision).toBe(BigInt(next))
    expect(numbersOf(await collect(client.readStream(stream)))).toEqual([...acknowledged, next])
    await client.dispose()
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(verifyStore(directory.path)).toMatchObject({ ok: true, events: next + 1 })
    directory.remove()
  },
)
