/**
 * Makes sure that reads use a confirmed connection. grpc-js and db-client reconnect without a word, to any server that
 * answers at the address. So a long call stands on the connection: it ends when the connection does, and the next read
 * confirms again. A read over a connection that changed meanwhile runs again.
 */
import type { Connection, Line } from './connection.ts'
import { watchStream } from './read.ts'

export interface Confirmation {
  /**
   * Runs a read on a connection that was confirmed before it and had not changed after it. Rejects as `confirm` and the
   * read do.
   */
  confirmed<T>(read: () => Promise<T>): Promise<T>
}

interface Standing {
  line: Line
  /** db-client opens another channel after some errors, while calls on the former one go on. */
  channel: Line['channel']
  hasEnded: boolean
  end(): void
}

/** A connection that changes at each of these tries is as good as none. */
const ATTEMPTS_MAX = 3

/** `stream` is any stream that seldom gets an event. */
export function createConfirmation(connection: Connection, stream: string, confirm: () => Promise<void>): Confirmation {
  let current: Promise<Standing> | undefined

  async function stand(): Promise<Standing> {
    const line = connection.line()
    const answers = await watchStream(line, stream)
    const standing: Standing = { line, channel: line.channel, hasEnded: false, end: () => answers.cancel() }
    const ended = () => {
      standing.hasEnded = true
      current = undefined
    }
    answers.on('data', () => undefined)
    answers.on('error', ended)
    answers.on('end', ended)
    try {
      await confirm()
    } catch (error) {
      answers.cancel()
      throw error
    }
    return standing
  }

  const isSame = ({ line, channel, hasEnded }: Standing): boolean =>
    !hasEnded && line === connection.line() && channel === line.channel

  function ready(): Promise<Standing> {
    if (current) return current
    const attempt = stand()
    current = attempt
    attempt.catch(() => {
      if (current === attempt) current = undefined
    })
    return attempt
  }

  return {
    async confirmed(read) {
      for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        const standing = await ready()
        if (isSame(standing)) {
          const result = await read()
          if (isSame(standing)) return result
        }
        if (!standing.hasEnded) standing.end()
        current = undefined
      }
      throw new Error('the connection to the event store keeps changing')
    },
  }
}
