/**
 * What a principal may do with what has an owner. A token may what its scopes say, and has nothing of its own. Owners and admins may
 * change everything that they see; a member what is its own; a viewer nothing. What is personal is seen by its owner alone.
 */
import { Rejected } from '../../../commands/rungate/rejection.ts'
import type { Visibility } from '../../../events/rungate/vocabulary.ts'
import { Problem } from '../../errors.ts'
import type { Operator } from '../access.ts'
import type { RungateCode } from '../errors.ts'

type Who = Pick<Operator, 'memberId' | 'role'>

/** Something with an owner: the member whose it is; null: nobody's in particular. */
export interface Owned {
  memberId: string | null
}

/** Whether the item is shown: a policy, a webhook or a rule of another member that is personal is as good as absent. */
export const maySee = ({ memberId }: Who, item: Owned & { visibility: Visibility }): boolean =>
  item.visibility === 'org' || (memberId !== null && item.memberId === memberId)

/** Whether the principal, which sees the item and has the scope, may change or delete it. */
export const mayChange = ({ memberId, role }: Who, item: Owned): boolean =>
  role !== 'member' || item.memberId === memberId

/** Throws a Problem (403) where the principal may not change the item. */
export function requireOwn(principal: Who, item: Owned): void {
  if (mayChange(principal, item)) return
  throw new Problem<RungateCode>('not_own', 'A member changes only what is its own.')
}

/**
 * The visibility of what the principal makes or changes. Throws where it may not be so: a token has nothing personal (400), and
 * what a member makes is personal (403).
 */
export function visibilityOf(
  { memberId, role }: Who,
  asked: Visibility | undefined,
  pointer = '/visibility',
): Visibility {
  if (asked === 'personal' && memberId === null) {
    throw new Rejected('visibility_refused', 'must be org: a token has nothing personal', pointer)
  }
  if (role !== 'member') return asked ?? 'org'
  if (asked === 'org') throw new Problem<RungateCode>('not_own', 'What a member makes is personal.')
  return 'personal'
}
