/** The private chain of an instance and the market on it: started when they are first asked for, one of each in a process. */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { LocalChain } from '../embedded/anvil.ts'
import type { ChainFacts } from '../embedded/market/chain-facts.ts'
import type { LocalMarket } from '../embedded/market/market.ts'
import type { Log } from '../log.ts'

export interface LocalChains {
  /** The chain alone. Rejects with AnvilNotInstalled where npm brought none for this platform. */
  localChain(): Promise<LocalChain>
  /** Our trading contracts on it, prices, and who fills orders by them. Rejects as `localChain` does. */
  localMarket(): Promise<LocalMarket>
  /** Writes down in DATA_DIR which chain the instance works with, where that is not the local one: its market does so itself. */
  noteChain(facts: ChainFacts): Promise<void>
}

/** What was started is stopped by what is left in `stops`, the last first. */
export function localChains(
  { DATA_DIR }: Pick<Config, 'DATA_DIR'>,
  log: Pick<Log, 'warn'>,
  stops: (() => Promise<void>)[],
): LocalChains {
  let chain: Promise<LocalChain> | undefined
  let market: Promise<LocalMarket> | undefined

  /** Their libraries are loaded only now: most instances have no use for them. */
  async function startChain(): Promise<LocalChain> {
    const { keepAnvil } = await import('../embedded/anvil-keeper.ts')
    const onRestart = (reason: string) => log.warn({ reason }, 'the local chain is started anew')
    const onFault = (err: unknown) => log.warn({ err }, 'the state of the local chain cannot be written')
    const started = await keepAnvil({ directory: join(DATA_DIR, 'chain'), onRestart, onFault })
    stops.push(() => started.stop())
    return started
  }

  async function startMarket(on: LocalChain): Promise<LocalMarket> {
    const market = await import('../embedded/market/market.ts')
    const onFault = (err: unknown) => log.warn({ err }, 'the keeper of the local market could not look')
    const started = await market.startMarket({ chain: on, directory: DATA_DIR, onFault })
    stops.push(() => started.stop())
    return started
  }

  // One that could not be started is tried again when somebody asks again.
  const localChain = () => {
    chain ??= startChain().catch((error: unknown) => {
      chain = undefined
      throw error
    })
    return chain
  }
  const localMarket = () => {
    market ??= localChain()
      .then(startMarket)
      .catch((error: unknown) => {
        market = undefined
        throw error
      })
    return market
  }
  const noteChain = async (facts: ChainFacts) => {
    const { writeChainFacts } = await import('../embedded/market/chain-facts.ts')
    writeChainFacts(DATA_DIR, facts)
  }
  return { localChain, localMarket, noteChain }
}
