/** Looks at a NATS server before anything is built on it: does it take the credentials, and does it have JetStream. */
import { connect, ErrorCode, type NatsError } from 'nats'
import { absent, type Finding, innermostMessage, serves, unusable } from '../runtime/finding.ts'
import { parseUrls } from './nats-connection.ts'

/** NATS's own words for what is wrong with the credentials, or for missing ones. */
const REFUSED_CREDENTIALS: readonly string[] = [
  ErrorCode.AuthorizationViolation,
  ErrorCode.AuthenticationExpired,
  ErrorCode.AccountExpired,
  ErrorCode.PermissionsViolation,
  ErrorCode.BadAuthentication,
  ErrorCode.BadCreds,
]
/** JetStream's error code for a cluster that has not elected a leader yet. */
const TEMPORARILY_UNAVAILABLE = 10_008

/** What stands at the address. Takes some times `timeoutMs` at most. Never rejects. */
export async function checkNats(url: string, timeoutMs: number): Promise<Finding> {
  const schemes = url.split(',').map((one) => /^\s*([^:]*):\/\//.exec(one)?.[1]?.toLowerCase() ?? '')
  if (schemes.some((scheme) => scheme !== 'nats' && scheme !== 'tls')) {
    return unusable(
      'It is not an address of a NATS server: give nats://host:port or tls://host:port, several with commas.',
    )
  }
  try {
    const connection = await connect({ ...parseUrls(url), reconnect: false, timeout: timeoutMs })
    try {
      const manager = await connection.jetstreamManager({ timeout: timeoutMs })
      await manager.getAccountInfo()
      return serves
    } finally {
      await connection.close()
    }
  } catch (error) {
    return findingOf(error)
  }
}

function findingOf(error: unknown): Finding {
  const { code = '', api_error } = error as Partial<NatsError>
  const message = innermostMessage(error)
  if (REFUSED_CREDENTIALS.includes(code)) {
    return unusable(`The server refuses the credentials (${message}). Correct them: nats://user:password@host:port.`)
  }
  if (code === ErrorCode.JetStreamNotEnabled && api_error?.err_code !== TEMPORARILY_UNAVAILABLE) {
    return unusable('The server has no JetStream. Start it with --jetstream, or enable it for this account.')
  }
  if (error instanceof TypeError) return unusable('It is not an address of a NATS server: a part of it is malformed.')
  return absent(`NATS cannot be reached (${message})`)
}
