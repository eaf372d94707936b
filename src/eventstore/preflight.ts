/**
 * Checks an event store before anything is built on it. Does the connection string lead to one, with or without TLS as it
 * says? Does its user have the rights that opslog needs? It writes nothing: its appends expect a revision that no stream
 * has, so a store that permits them refuses them for the revision.
 */
import { randomUUID } from 'node:crypto'
import { absent, type Finding, innermostMessage, serves, strongestOf, unusable } from '../runtime/finding.ts'
import { createAppender } from './append.ts'
import { openConnection } from './connection.ts'
import { connectionTarget, UnusableConnectionString } from './connection-string.ts'
import { probeEndpoint } from './endpoint.ts'
import { readPage } from './read.ts'

/** A right that opslog needs, as the sentence about a missing one names it. */
type Right = 'read $all' | 'read its own streams' | 'append to its own streams' | 'set metadata of its own streams'

/** gRPC's status codes that matter here. */
const [PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED] = [7, 12, 16]
/** The stream for trying the rights. It never gets an event. */
const TRIED_STREAM = 'opslog.start-check'
const TRIED_TYPE = 'opslog.start-check'
/** No stream gets this far. */
const UNREACHED_REVISION = 2n ** 62n

/** What stands at the address. Each step takes `timeoutMs` at most. Never rejects. */
export async function checkEventStore(url: string, timeoutMs: number): Promise<Finding> {
  try {
    const target = connectionTarget(url)
    const probes = target.hosts.map(({ host, port }) => probeEndpoint(host, port, target, timeoutMs))
    const reached = strongestOf(await Promise.all(probes))
    return reached.kind === 'serves' ? await checkRights(url, timeoutMs) : reached
  } catch (error) {
    if (error instanceof UnusableConnectionString) {
      return unusable(`It is no connection string to connect with: ${error.message}.`)
    }
    return unusable(`db-client does not take it: ${innermostMessage(error)}`)
  }
}

async function checkRights(url: string, timeoutMs: number): Promise<Finding> {
  const connection = openConnection(url)
  const appender = createAppender(connection, { deadlineMs: timeoutMs })
  const tryToAppend = async (stream: string, eventType: string) => {
    const event = { id: randomUUID(), type: eventType, data: '{}', metadata: '{}' }
    const outcome = await appender.append({ stream, revision: UNREACHED_REVISION, events: [event] })
    if (outcome.kind === 'unknown' || outcome.kind === 'unsent') throw outcome.error
    if (outcome.kind === 'failed' && outcome.reason !== 'WrongExpectedVersion') {
      const code = /denied/i.test(outcome.reason) ? PERMISSION_DENIED : undefined
      throw Object.assign(new Error(outcome.message || outcome.reason), { code })
    }
  }
  const last = (stream?: string) => {
    const selection = { from: 'end', direction: 'backwards', count: 1n } as const
    return readPage(connection, stream === undefined ? selection : { stream, ...selection }, timeoutMs)
  }
  const attempts: [Right, () => Promise<unknown>][] = [
    ['read $all', () => last()],
    ['read its own streams', () => last(TRIED_STREAM)],
    ['append to its own streams', () => tryToAppend(TRIED_STREAM, TRIED_TYPE)],
    ['set metadata of its own streams', () => tryToAppend(`$$${TRIED_STREAM}`, '$metadata')],
  ]
  try {
    for (const [right, attempt] of attempts) {
      const refused = await attempt().then(
        () => undefined,
        (error: unknown) => refusalOf(error, right, userOf(url)),
      )
      if (refused) return refused
    }
    return serves
  } finally {
    await connection.close()
  }
}

const userOf = (url: string): string | undefined => {
  const name = /^[^:]*:\/\/([^:@/?]+)(?::[^@/?]*)?@/.exec(url.trim())?.[1]
  return name === undefined ? undefined : decodeURIComponent(name)
}

function refusalOf(error: unknown, right: Right, user: string | undefined): Finding {
  const code = (error as { code?: unknown }).code
  const who = user === undefined ? 'anybody without a user name' : `the user ${user}`
  if (code === UNAUTHENTICATED) {
    const remedy =
      user === undefined ? 'Put a user and its password into it.' : 'Correct the user or the password in it.'
    return unusable(`The event store does not know ${who}, or takes the password for a wrong one. ${remedy}`)
  }
  if (code === PERMISSION_DENIED) {
    return unusable(
      `The event store does not permit ${who} to ${right}. Give that user the right, or name another one; ` +
        'docs/eventstore.md lists what is needed.',
    )
  }
  if (code === UNIMPLEMENTED) return unusable('What answers there is a gRPC server, but no event store.')
  return absent(`an attempt to ${right} ended with: ${innermostMessage(error)}`)
}
