/** What a buyer can do about firsthand's own refusals. */
import type { KernelCode } from '../errors.ts'
import type { FirsthandCode } from './errors.ts'

export const help: Readonly<Record<Exclude<FirsthandCode, KernelCode>, string>> = {
  insufficient_credits: 'The job costs more than the balance. Buy credits, or ask for fewer files or a lower price.',
  organization_suspended: 'The organization may not use the API at present. Its operator knows why.',
  key_beyond_own: 'A key makes only keys that may do as much as itself or less. Use a key with those scopes.',
  organization_not_found: 'The organization of the key does not exist any more.',
  api_key_not_found: 'No key of the organization has this id. The list of keys shows them.',
  job_not_found: 'No job of the organization has this id in the key’s world: live and test do not see each other.',
  organization_exists: 'An organization with this id exists and stays as it is.',
  api_key_limit_reached: 'Revoke keys that are not used any more, then make another.',
  api_key_ended: 'The key has ended or was revoked, and does not come back. Make another.',
  job_completed: 'The job has all of its files; it can be cancelled no more.',
  api_key_expiry_passed: 'Choose an end of the key in the future.',
  fee_below_floor: 'The fee is below the least one. Choose a higher one, or null for the usual one.',
  top_up_incomplete: 'Automatic top-up needs both the threshold and the amount.',
  credits_out_of_range: 'The amount of credits is outside the bounds.',
  credits_end_passed: 'Choose an end of the credits in the future.',
}
