/** What the document says of calls of models. */
import { exampleTime as at, exampleId as id, type Words } from '../../words.ts'

export const proxyWords: Words = {
  'x-rungate-run-id': ['The run that the call belongs to; left out: one that goes on, or a new one.', id(5)],
  'x-rungate-run-policy': [
    'A policy for a new run, by its name or id; without effect where the agent may not use it.',
    'careful',
  ],
  'x-rungate-run-name': ['What a new run is called, at most 255 characters.', 'nightly report'],
  'x-rungate-run-metadata': [
    'A JSON object of at most 16 KiB, which is merged into that of the run.',
    '{"team":"news"}',
  ],
  'x-rungate-new-run': ['Whether a new run starts, which ends those that go on.', 'true'],
  'proxyChatCompletions.status': ['That the call waits for an approval.', 'awaiting_approval'],
  'proxyMessages.status': ['That the call waits for an approval.', 'awaiting_approval'],
  approval_requests: 'What has to be approved.',
  tool: ['The name of the tool.', 'deploy'],
  code: ['By which rule it is refused.', 'budget_exceeded'],
  details: 'More about it.',
  'ProviderErrorResponse.provider': ['The provider.', 'openai'],
  'ProviderErrorResponse.status': ['The status that it answered with.', 529],
  context: 'How run, policy and agent stand.',
  'GovernanceBlockResponse.agent_name': ['The name of the agent.', 'writer'],
  'GovernanceBlockResponse.max_steps_per_run': ['Steps that the run may have; null: no limit.', 1_000],
  steps_used: ['Steps that the run has had.', 9],
  tokens_used: ['Tokens that the run has used.', 4_200],
  provider_key_id: ['The id of the provider key.', id(2)],
  state: ['Whether calls are tried: `open` is not, `half_open` tries one.', 'closed'],
  failure_count: ['Failures in a row that opened it.', 0],
  last_failure_at: ['When the last of them was, in UTC; null: there was none.', null],
  last_success_at: ['When it was found to work again, in UTC; null: it has not been open.', null],
  opened_at: ['Since when it is open, in UTC; null: it is not.', null],
  recovery_at: ['When a call tries again, in UTC; null: it is not open.', at(9)],
}
