/** GET credits/balance and POST credits/consume: retired routes, which name what has taken their place. */
import { publicAccess } from '../../access.ts'
import { Problem } from '../../errors.ts'
import { operation } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'

/** It refuses before a body is read, so that no body is refused for what it holds. */
function retired(route: string, successor: string) {
  const refuse = (): never => {
    const path = `/killatamata/api/v1/${successor.split(' ')[1]}`
    throw new Problem<KillatamataCode>('route_retired', `${route} is retired. Use ${successor} instead.`, {
      headers: { link: `<${path}>; rel="successor-version"` },
    })
  }
  return { head: refuse, handle: async () => refuse() }
}

export const getRetiredBalance = operation({
  method: 'get',
  path: '/api/v1/credits/balance',
  id: 'getRetiredBalance',
  tags: ['credits'],
  summary: 'Deprecated credits balance route',
  description: 'Always answers 410 and names GET balance.',
  access: publicAccess,
  isRead: true,
  answers: {},
  refuses: ['route_retired'],
  ...retired('GET credits/balance', 'GET balance'),
})

export const consumeRetired = operation({
  method: 'post',
  path: '/api/v1/credits/consume',
  id: 'consumeRetired',
  tags: ['credits'],
  summary: 'Deprecated credits consume route',
  description: 'Always answers 410 and names POST media/jobs.',
  access: publicAccess,
  isRead: true,
  answers: {},
  refuses: ['route_retired'],
  ...retired('POST credits/consume', 'POST media/jobs'),
})
