/** The operator's client of demos and triggers: it asks for the address before each send, since an instance may restart. */
import { type Client, createClient } from '@opslog/client'
import type { ClientLimits, Target } from '../../demo/client.ts'
import { CliError, EXIT, reasonOf } from '../../terminal.ts'

/** Where nobody listens: each send names the real address. */
const NOWHERE = 'http://opslog.invalid'
const HINT = 'Is the instance running? Start it with `npm start`.'

/** `target`: noctant's address and the operator's key. What cannot be reached in time throws CliError. */
export function createOperatorClient(target: () => Target, limits: ClientLimits): Client<'noctant'> {
  const client = createClient({
    url: NOWHERE,
    context: 'noctant',
    retry: {
      triesMax: Number.POSITIVE_INFINITY,
      totalMsMax: limits.unreachableMaxMs,
      firstWaitMsMax: limits.retryIntervalMs,
      tryMsMax: limits.requestTimeoutMs,
    },
    async fetch(request) {
      const { url, token } = whereNow(target)
      const sent = new Request(request.url.replace(`${NOWHERE}/noctant`, url), request)
      sent.headers.set('authorization', `Bearer ${token}`)
      return fetch(sent)
    },
  })
  client.use({
    onError: ({ error }) => new CliError(EXIT.unreachable, `the API cannot be reached: ${reasonOf(error)}`, HINT),
    onResponse({ response: { status } }) {
      if (status !== 429 && status !== 503) return
      throw new CliError(EXIT.unreachable, `the API cannot be reached: it answers ${status}`, HINT)
    },
  })
  return client
}

/** An instance that is not there now may be there soon: for the client that is the network's fault. */
function whereNow(target: () => Target): Target {
  try {
    return target()
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== EXIT.unreachable) throw error
    throw new TypeError('fetch failed', { cause: error })
  }
}
