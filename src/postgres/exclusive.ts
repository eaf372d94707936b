/** One at a time in the whole installation: an advisory lock that ends with the process that holds it. */
import { openSession } from './session.ts'

/** Another process does the same just now. */
export class AlreadyUnderWay extends Error {
  override name = 'AlreadyUnderWay'
}

const ANSWER_TIMEOUT_MS = 5_000

/** Runs `work` while nobody else runs any under this name. Throws AlreadyUnderWay. */
export async function exclusively<T>(url: string, name: string, work: () => Promise<T>): Promise<T> {
  const session = await openSession({ url, applicationName: `opslog ${name}`, answerTimeoutMs: ANSWER_TIMEOUT_MS })
  try {
    const [answer] = await session.query('SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS mine', [
      `opslog ${name}`,
    ])
    if (answer?.mine !== true) throw new AlreadyUnderWay(`another process is at it already: ${name}`)
    return await work()
  } finally {
    await session.close()
  }
}
