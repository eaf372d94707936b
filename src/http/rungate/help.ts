/** What a caller can do about rungate's own refusals. */
import type { KernelCode } from '../errors.ts'
import type { RungateCode } from './errors.ts'

export const help: Readonly<Record<Exclude<RungateCode, KernelCode>, string>> = {
  account_not_found: 'The account of the token does not exist any more.',
  account_elsewhere: 'Leave `org_id` and `workspace_id` out: what you make belongs to the account of your token.',
  slug_taken: 'Choose another slug, or leave it out: then one is made of the name.',
  name_taken: 'Another one of the account has this name, whatever its case. Choose another, or delete that one.',
  admin_token_not_found: 'No admin token of the account has this id. The list of tokens shows them.',
  token_beyond_own: 'A token makes only tokens that may do as much as itself or less.',
  provider_key_not_found: 'No provider key of the account has this id, or it is deleted and cannot be changed.',
  provider_key_unusable: 'Name a key of the account that is of this provider and not deleted.',
  provider_differs: 'A key stays with its provider. Choose another name for a key of another provider.',
  base_url_refused: 'Give an https address of the public internet, without user name, query and fragment.',
  policy_not_found: 'No policy of the account has this id. The list of policies shows them.',
  policy_version_not_found: 'The policy has no version of this number. The list of versions shows them.',
  policy_contradicts: 'The refusal names the setting; with it the policy as a whole must make sense.',
  policy_unusable: 'Name a policy of the account that exists and that you can see.',
  policy_in_use: 'Give the agents that name the policy another one first.',
  visibility_refused: 'Personal policies belong to members: sign in as one, or leave `visibility` out.',
  agent_not_found: 'No agent of the account has this id. The list of agents shows them.',
  run_not_found: 'No run of the account has this id, or the agent has none that goes on.',
  run_not_running: 'What has ended stays as it is. `GET` the run to see how it ended.',
  step_limit_reached: 'Complete the run and start another one, or have the policy allow more steps.',
  approval_not_found: 'No approval request of the account has this id. The list of requests shows them.',
  approval_decided: 'A request is decided once. `GET` it to see how.',
  guide_not_found: 'The guides are `setup`, `core-tests`, `advanced-tests` and `reference`.',
  member_unknown: 'Name a member of the account, or null. The list of members shows them.',
  member_missing: 'The refusal names the member that is needed to make something new.',
}
