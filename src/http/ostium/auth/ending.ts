/** What the chain has to say before an agent ends, for each way to its end. */
import { Problem } from '../../errors.ts'
import type { OstiumCode } from '../errors.ts'
import type { CheckChain } from './messages.ts'

const stands = (what: string, delegatedTo: string, allowance: bigint): Problem<OstiumCode> =>
  new Problem<OstiumCode>('delegation_stands', `The chain still has ${what}.`, {
    details: { delegatedTo, allowance: String(allowance) },
  })

/** An agent that was never verified goes whatever the chain says. */
export const anyStanding: CheckChain = () => undefined

export const delegationGone: CheckChain = ({ delegatedTo, allowance }, smartAccount) => {
  if (delegatedTo === smartAccount) throw stands('the agent as the trader’s delegate', delegatedTo, allowance)
}

export const delegationAndAllowanceGone: CheckChain = (standing, smartAccount) => {
  delegationGone(standing, smartAccount)
  const { delegatedTo, allowance } = standing
  if (allowance > 0n) throw stands('an allowance', delegatedTo, allowance)
}
