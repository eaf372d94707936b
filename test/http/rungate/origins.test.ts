/** From which pages a session's cookie signs a change, however the installation is reached. */
import { describe, expect, it } from 'vitest'
import { isForeign, type Place } from '../../../src/http/rungate/people/cookie.ts'

const HOST = 'rungate.example'
const asks = (headers: Record<string, string>) => ({
  header: (name: string) => ({ host: HOST, ...headers })[name],
})
const open: Place = { publicUrl: undefined, trustProxy: false }

describe('a page of another site', () => {
  it.each<[reached: string, headers: Record<string, string>, place: Partial<Place>, is: boolean]>([
    ['without any word', {}, {}, false],
    ['from itself', { origin: `http://${HOST}` }, {}, false],
    // Without PUBLIC_URL and TRUST_PROXY nobody knows how browsers come here.
    ['from itself, by https before a proxy', { origin: `https://${HOST}` }, {}, false],
    ['from another port', { origin: `http://${HOST}:8080` }, {}, true],
    ['from a frame without an origin', { origin: 'null' }, {}, true],
    ['from what is no origin', { origin: HOST }, {}, true],
    ['by http where it is reached by https', { origin: `http://${HOST}` }, { publicUrl: `https://${HOST}/` }, true],
    ['from its public address', { origin: 'https://shown.example' }, { publicUrl: 'https://shown.example' }, false],
    [
      'by http where the proxy says https',
      { origin: `http://${HOST}`, 'x-forwarded-proto': 'https' },
      { trustProxy: true },
      true,
    ],
    [
      'by https where the proxy says so',
      { origin: `https://${HOST}`, 'x-forwarded-proto': 'https' },
      { trustProxy: true },
      false,
    ],
    [
      'by http where a proxy that is not trusted says https',
      { origin: `http://${HOST}`, 'x-forwarded-proto': 'https' },
      {},
      false,
    ],
  ])('%s: %j, %j: %s', (_reached, headers, place, is) => {
    expect(isForeign(asks(headers), { ...open, ...place })).toBe(is)
  })
})
