/** `opslog demo`: an operator's day, over HTTP alone; and a challenge from launch to paid-out, as `opslog demo payout`. */
import type { ContextDemo, DemoSetting } from '../../demo/setting.ts'
import { begin } from './begin.ts'
import { closeAll, disableAccount, readBooks } from './closing.ts'
import { awaitEngine, openAccount, provisionUser, signIn } from './opening.ts'
import { payoutChapters } from './payout.ts'
import type { Story } from './story.ts'
import { placeOrders, readPositions } from './trading.ts'

type Chapter = readonly [title: string, work: (story: Story, say: (note: string) => void) => Promise<void>]

const chapters: readonly Chapter[] = [
  ['Sign in', signIn],
  ['Provision a user', provisionUser],
  ['Open an account', openAccount],
  ['Wait until the engine has it', awaitEngine],
  ['Place orders as the trader', placeOrders],
  ['Read the positions', readPositions],
  ['Close everything', closeAll],
  ['Check the books', readBooks],
  ['Disable the account', disableAccount],
]

const told =
  (of: () => readonly Chapter[]) =>
  (setting: DemoSetting): ContextDemo => {
    const story = begin(setting)
    return { run: story.run, chapters: of().map(([title, work]) => [title, (say) => work(story, say)] as const) }
  }

export const dayDemo = told(() => chapters)
export const payoutDemo = told(payoutChapters)
