/** What a caller can do about rungate's own refusals. */
import type { KernelCode } from '../errors.ts'
import type { RungateCode } from './errors.ts'

export const help: Readonly<Record<Exclude<RungateCode, KernelCode>, string>> = {
  budget_exceeded:
    '`context` shows the limits and what is spent, `details` what the call needs at most. With `Retry-After`, only calls under way or ' +
    'the hour stand in the way. Otherwise ask for fewer output tokens, begin a new run, or have the policy allow more.',
  budget_alert_exceeded:
    'Complete the run that is over its threshold, or have the policy raise the threshold: until then no other run starts.',
  model_not_allowed:
    '`details` names the rule. Ask for a model that the policy allows. Where it says `price_unknown`, a budget holds and no table has ' +
    'a price of the model: an operator adds it with PRICES_FILE.',
  tool_blocked:
    '`details` names the tools, or the approval that was rejected. Send the call without them, or have the policy allow them.',
  run_force_stopped: 'Somebody has stopped the run, for good. Begin a new one once you know why.',
  run_blocked_after_force_stop:
    'Wait until the cooldown of the policy is over, or have the stopped run unblocked (`POST /rungate/api/runs/{id}/unblock`). ' +
    '`x-rungate-new-run: true` begins a run at once.',
  runaway_prevention: 'Complete the run and begin another one, or have the policy allow more steps in a run.',
  rate_limited: 'Wait as many seconds as `Retry-After` says: the policy bounds requests and tokens a minute.',
  provider_error:
    '`details` has each attempt with what went wrong, and whom the chain passed over and why. `GET /rungate/api/providers/health` ' +
    'shows keys that are left alone for a while.',
  invalid_request_error:
    'The message names the member at fault, and so does `param` in OpenAI’s format. Without `X-Rungate-Provider` the call went to no ' +
    'provider; with it, the provider has refused it, and the message is its own.',
  mid_stream_error:
    'The stream began with 200 and broke off after some content: what came until then is all there is of the answer, and it is paid ' +
    'for. Send the call again for another answer. The step shows what went wrong.',
  account_not_found: 'The account of the token does not exist any more.',
  account_elsewhere: 'Leave `org_id` and `workspace_id` out: what you make belongs to the account of your token.',
  slug_taken: 'Choose another slug, or leave it out: then one is made of the name.',
  name_taken: 'Another one of the account has this name, whatever its case. Choose another, or delete that one.',
  admin_token_limit_reached:
    'Revoke a token that is not needed any more. One that ends by its time makes room as well.',
  admin_token_not_found: 'No admin token of the account has this id. The list of tokens shows them.',
  token_beyond_own: 'A token makes only tokens that may do as much as itself or less.',
  provider_key_not_found: 'No provider key of the account has this id, or it is deleted and cannot be changed.',
  provider_key_unusable: 'Name a key of the account that is of this provider and not deleted.',
  provider_differs: 'A key stays with its provider. Choose another name for a key of another provider.',
  secret_needed: 'Send `api_key` with `base_url`: a secret is not sent to an address that it was not given for.',
  base_url_refused: 'Give an https address of the public internet, without user name, query and fragment.',
  policy_not_found: 'No policy of the account has this id. The list of policies shows them.',
  policy_version_not_found: 'The policy has no version of this number. The list of versions shows them.',
  policy_contradicts: 'The refusal names the setting; with it the policy as a whole must make sense.',
  policy_unusable: 'Name a policy of the account that exists and that you can see.',
  policy_in_use: 'Give the agents that name the policy another one first.',
  visibility_refused:
    'What is personal belongs to a member: sign in as the one whose it is, or leave `visibility` out.',
  agent_not_found: 'No agent of the account has this id. The list of agents shows them.',
  run_not_found: 'No run of the account has this id, or the agent has none that goes on.',
  call_not_found: 'No call has this id. The steps of its run show the ids of calls.',
  run_not_running: 'What has ended stays as it is. `GET` the run to see how it ended.',
  step_limit_reached: 'Complete the run and start another one, or have the policy allow more steps.',
  approval_not_found: 'No approval request of the account has this id. The list of requests shows them.',
  approval_decided: 'A request is decided once. `GET` it to see how.',
  run_elsewhere: 'An agent sees its own runs alone: `GET /v1/runs/mine` lists them.',
  run_ended: 'Only a run that goes on can be ended.',
  run_not_stopped: 'Only a run that was stopped has left a block.',
  agent_disabled: 'An operator has disabled the agent; it may look at its runs, and change none of them.',
  alert_rule_not_found: 'No alert rule that you see has this id. The list of rules shows them.',
  webhook_not_found: 'No webhook that you see has this id. The list of webhooks shows them.',
  webhook_limit_reached: 'Delete a webhook that is not needed any more.',
  webhook_url_refused: 'Give an https address of the public internet, without user name and fragment.',
  webhooks_unavailable: 'Ask again. An instance with the role `webhooks` has to run.',
  alert_condition_invalid: 'The refusal names each member with what it must be; each type has members of its own.',
  guide_not_found: 'The guides are `setup`, `core-tests`, `advanced-tests` and `reference`.',
  member_unknown: 'Name a member of the account, or null. The list of members shows them.',
  not_own: 'Members make what is personal, and change what is their own. Ask an admin of the account.',
  login_refused: 'Ask for another link: each is good once and for 15 minutes, and five wrong codes end it.',
  session_missing: 'Ask for a link at `/rungate/auth/start`, and sign in with it.',
  session_needed: 'Sign in in a browser: a token has no sessions.',
  session_not_found: 'The session has ended, or is none of yours. The list of sessions shows them.',
  origin_foreign:
    'Send the request from a page of this host. Behind a proxy, set PUBLIC_URL to the address that browsers use.',
  registration_done: 'The address has an account already: sign out and in again to come to it.',
  account_claimed: 'Ask the owner of the account for an invitation.',
  admin_token_refused: 'Give an admin token of the account that works and has the scope `admin`.',
  account_gone: 'The account was suspended. Ask whoever invited you.',
  address_elsewhere: 'An address belongs to one account. It is free once its member is removed there.',
  member_not_found: 'No member of the account has this id. The list of members shows them.',
  member_exists: 'The list of members shows who has the address.',
  owner_stays: 'Transfer the ownership to another member first.',
  owner_role_fixed: 'Transfer the ownership to another member: the former owner is an admin then.',
  owner_only: 'The owner does it, signed in in a browser.',
  already_owner: 'Name another member.',
  invitation_not_found: 'The invitation has ended, was sent anew, or never was. Ask for another.',
  invitation_used: 'Sign in with the address that was invited.',
  invitation_pending: 'Send the pending invitation again, or revoke it.',
  invitation_not_pending: 'Make a new invitation.',
  mail_off: 'The operator of this installation has switched mails off (MAIL=off).',
  member_missing: 'The refusal names the member that is needed to make something new.',
}
