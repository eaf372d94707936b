/** The refusals of the console’s own commands. */
import { type KernelRejectionCode, Rejected as Refused } from '../rejection.ts'

export type ConsoleRejectionCode = KernelRejectionCode | 'access_link_not_found'

export class Rejected extends Refused<ConsoleRejectionCode> {}

/** One answer for what was used, has expired or never was: a link tells nothing of itself. */
export const linkNotFound = () =>
  new Rejected('access_link_not_found', 'The link was used, has expired, or never was one.')
