/** `opslog demo ostium`: a trader on the local chain, by his own key and by an agent, with everything read back. */
import { ChainUnavailable } from '../../../adapters/chain/rpc.ts'
import type { ContextDemo, DemoSetting } from '../../demo/setting.ts'
import { CliError, EXIT } from '../../terminal.ts'
import { readBooks } from './closing.ts'
import { createAgent, revokeAgent, sendTwice, tradeWithoutGas } from './delegating.ts'
import { hearPrices } from './prices.ts'
import { beginStory, type OstiumChapter, type Say } from './story.ts'
import { changePosition, fund, lookAround, open, orderAndCancel, readPosition } from './trading.ts'

const chapters: readonly OstiumChapter[] = [
  ['Look around', lookAround],
  ['Fund a fresh trader', fund],
  ['Build, sign and send an open', open],
  ['Read the position from the chain', readPosition],
  ['Change it, and close half of it', changePosition],
  ['Place an order, change and cancel it', orderAndCancel],
  ['Create an agent', createAgent],
  ['Open without gas', tradeWithoutGas],
  ['Send again under one key', sendTwice],
  ['Revoke the agent', revokeAgent],
  ['Hear live prices', hearPrices],
  ['Check the books', readBooks],
]

/** The chain ends with its instance, and may be at another address when both are back. */
function interrupted(error: unknown): never {
  if (!(error instanceof ChainUnavailable)) throw error
  throw new CliError(
    EXIT.unreachable,
    `the chain has gone: ${error.message}`,
    'Run the demo again once the instance is back.',
  )
}

export function ostiumDemo(setting: DemoSetting): ContextDemo {
  const story = beginStory(setting)
  const told = chapters.map(([title, work]) => [title, (say: Say) => work(story, say).catch(interrupted)] as const)
  return { run: story.run, chapters: told, close: async () => story.chain.close() }
}
