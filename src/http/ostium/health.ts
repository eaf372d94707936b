/** GET /v1/health and /v1/exchange/health: that this process answers. Whether it is ready, /readyz says. */
import { publicAccess } from '../access.ts'
import { json } from '../answers.ts'
import { read } from './access.ts'
import { exchangeHealth, serviceHealth } from './views.ts'

const well = (at: Date) => ({ status: 'healthy' as const, version: 'v1', timestamp: at.toISOString() })

/** What the socket answers too. */
export const exchangeHealthAt = (at: Date) => ({ ...well(at), endpoint: 'exchange' })

const common = { access: publicAccess, rate: 'uncounted', tags: ['Health'] }

export const getHealth = read({
  ...{ path: '/v1/health', id: 'getHealth', ...common },
  summary: 'Whether the service answers',
  description: 'Asks nothing else, neither the chain nor a database: `/readyz` does.',
  answer: json(serviceHealth, 'It answers.'),
  handle: ({ clock }) => ({ ...well(clock()), service: 'builder-service' }),
})

export const getExchangeHealth = read({
  ...{ path: '/v1/exchange/health', id: 'getExchangeHealth', ...common },
  summary: 'Whether the exchange endpoints answer',
  description: 'Asks nothing else.',
  answer: json(exchangeHealth, 'They answer.'),
  handle: ({ clock }) => exchangeHealthAt(clock()),
})
