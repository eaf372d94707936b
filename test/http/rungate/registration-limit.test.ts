/** How many accounts one address may register: counted by all processes together. */
import { expect, it } from 'vitest'
import { startApi } from '../api.ts'

it('an address registers ten accounts an hour, whichever processes it asks, and no more', async () => {
  const api = await startApi({ registrationsPerHourMax: 10 })
  try {
    const ask = (n: number) => (n % 2 === 0 ? api.govern : api.governSecond)
    const statuses: number[] = []
    for (let n = 0; n < 10; n++) {
      statuses.push((await ask(n)('POST', '/v1/register', { body: { name: 'Acme' } })).status)
    }
    expect(statuses).toStrictEqual(Array.from({ length: 10 }, () => 201))
    const refused = await api.govern('POST', '/v1/register', { body: { name: 'Acme' } })
    expect([refused.status, refused.body.error.type]).toStrictEqual([429, 'rate_limited'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  } finally {
    await api.stop()
  }
})
