/** `opslog demo payout`: a challenge from launch to paid-out, against the running instance. */
import { provisionUser, signIn } from './opening.ts'
import { createProduct, importDemoTemplate, openChallengeAccount, reportKyc, startChallenge } from './payout-launch.ts'
import { executePayout, readTheBooks, requestPayout, settlePayment } from './payout-money.ts'
import type { PayoutStory, Say } from './payout-story.ts'
import { makeProfit, reachTarget } from './payout-trading.ts'
import type { Story } from './story.ts'

type Chapter<S> = readonly [title: string, work: (story: S, say: Say) => Promise<void>]

const chapters: readonly Chapter<PayoutStory>[] = [
  ['Sign in', signIn],
  ['Import a template', importDemoTemplate],
  ['Make a product of it', createProduct],
  ['Provision a user', provisionUser],
  ['Open an account', openChallengeAccount],
  ['Report KYC', reportKyc],
  ['Start the challenge', startChallenge],
  ['Trade until it is passed', reachTarget],
  ['Trade the funded account', makeProfit],
  ['Ask for a payout', requestPayout],
  ['Approve and execute it', executePayout],
  ['Pay the trader', settlePayment],
  ['Read the books', readTheBooks],
]

/** The chapters, each on the one story that the run makes. */
export function payoutChapters(): readonly Chapter<Story>[] {
  const known: PayoutStory['known'] = {
    templateId: '',
    productId: '',
    instanceId: '',
    payoutRequestId: '',
    fundedBalance: '',
    balance: '',
  }
  return chapters.map(([title, work]) => [title, (story, say) => work({ ...story, known }, say)] as const)
}
