/** Ostium over its real components and a chain. */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { ostium } from '../../../src/contexts/ostium.ts'
import type { OstiumParts } from '../../../src/http/ostium/access.ts'
import { ostium as api } from '../../../src/http/ostium/api.ts'
import { eventually } from '../../projections/support.ts'
import { type Answered, type Asked as AskedOf, type ServingOptions, startServing } from '../serving.ts'

/** What a chain is to the parts: addresses and a node, as the local market gives them. */
export interface GivenMarket {
  rpcUrl: string
  chainId: number
  contracts: { usdc: string; trading: string; tradingStorage: string; agentFactory: string }
  sponsorKey: string
  pricesUrl?: string | undefined
}

export interface OstiumOptions extends Omit<ServingOptions, 'services'> {
  /** Undefined: an instance without a chain. */
  market?: GivenMarket | undefined
}

export type Answer = Answered

export type ServedOstium = Awaited<ReturnType<typeof startOstium>>

/** An address that nothing listens at. */
const NOBODY = 'http://127.0.0.1:9'
/** For tests that need addresses and no chain. */
export const paperMarket: GivenMarket = {
  rpcUrl: NOBODY,
  chainId: 31_337,
  contracts: {
    usdc: '0xaf88d065e77c8cC2239327C5EDb3A432268e5831',
    trading: '0x6D0bA1f9996DBD8885827e1b2e8f6593e7702411',
    tradingStorage: '0xcCd5891083A8acD2074690F65d3024E7D13d66E7',
    agentFactory: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
  },
  sponsorKey: `0x${'7'.repeat(64)}`,
}

export async function startOstium({ market, ...options }: OstiumOptions = {}) {
  const services = {
    async localMarket() {
      if (market) return { ...market, exited: new Promise(() => undefined), followPrices: () => undefined }
      throw Object.assign(new Error('there is no chain for this test'), { name: 'AnvilNotInstalled' })
    },
  }
  const served = await startServing(ostium, api, { ...options, services })

  const ask = (method: string, path: string, { trader, key, headers, ...asked }: Asked = {}): Promise<Answer> =>
    served.ask(method, path, {
      ...asked,
      headers: {
        ...(trader !== undefined && { 'x-trader-address': trader }),
        ...(key !== undefined && { 'x-api-key': key }),
        ...headers,
      },
    })

  return {
    ...{ ...served, parts: served.parts as OstiumParts },
    ask,
    post: (path: string, trader: string, body?: unknown, more: Asked = {}) =>
      ask('POST', path, { trader, body, ...more }),
    get: (path: string, trader?: string) => ask('GET', path, trader === undefined ? {} : { trader }),
    /** An open socket, and what has come on it. */
    async socket(path: string) {
      const socket = new WebSocket(`ws://127.0.0.1:${served.port}/ostium${path}`)
      // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever comes.
      const messages: any[] = []
      socket.on('message', (data) => messages.push(JSON.parse(data.toString())))
      await once(socket, 'open')
      return { socket, messages, send: (message: unknown) => socket.send(JSON.stringify(message)) }
    },
    untilProjected: (check: () => Promise<void>) => eventually(check),
  }
}

export interface Asked extends AskedOf {
  trader?: string
  key?: string
}
