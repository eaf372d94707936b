/** The guide `advanced-tests`: tokens, versions of policies, keys that end, and what is refused. */
export const advancedTests = (base: string): string => `# Advanced tests

Each command needs \`RUNGATE_TOKEN\` of the guide \`setup\`.

## A token makes none that may do more

\`\`\`sh
curl -s ${base}/api/admin-tokens -H "authorization: Bearer $RUNGATE_TOKEN" \\
  -H 'content-type: application/json' -d '{"name":"reader","scopes":["read"],"expires_in":"1d"}'
\`\`\`

With that token every \`GET\` is answered, and every change is refused with 403.

## A policy keeps its versions

\`\`\`sh
curl -s "${base}/api/policies?name=default" -H "authorization: Bearer $RUNGATE_TOKEN"
curl -s ${base}/api/policies/<id>/versions -H "authorization: Bearer $RUNGATE_TOKEN"
\`\`\`

A change that changes nothing makes no version. A policy that an agent names cannot be deleted (409).

## A rotated key ends the one before

\`\`\`sh
curl -s -X POST ${base}/api/agents/<id>/rotate-key -H "authorization: Bearer $RUNGATE_TOKEN"
\`\`\`

\`GET ${base}/v1/me\` refuses the former key from then on, on every process.

## A model that is not allowed, and a budget that is spent

\`\`\`sh
curl -s -X PUT ${base}/api/policies/by-name/default -H "authorization: Bearer $RUNGATE_TOKEN" \\
  -H 'content-type: application/json' -d '{"blocked_models":["gpt-4*"],"budget":{"hard_limit_usd":0.0001}}'
curl -si ${base}/v1/chat/completions -H "authorization: Bearer $RUNGATE_KEY" -H 'content-type: application/json' \\
  -H 'x-rungate-new-run: true' -d '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'
curl -si ${base}/v1/chat/completions -H "authorization: Bearer $RUNGATE_KEY" -H 'content-type: application/json' \\
  -d '{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}'
\`\`\`

The second command is refused with 403 \`model_not_allowed\`, the third with 402 \`budget_exceeded\`: the provider heard of neither. A run
keeps the policy that it started with, so a change shows in the next run. Where the budget pays for a shorter answer, the call is
served, and \`X-Rungate-Output-Clamped\` says how short.

## A tool that somebody has to approve

\`\`\`sh
curl -s -X PUT ${base}/api/policies/by-name/default -H "authorization: Bearer $RUNGATE_TOKEN" \\
  -H 'content-type: application/json' -d '{"require_approval":["deploy"],"budget":{"hard_limit_usd":null}}'
curl -si ${base}/v1/chat/completions -H "authorization: Bearer $RUNGATE_KEY" -H 'content-type: application/json' \\
  -H 'x-rungate-new-run: true' -d '{"model":"gpt-5","messages":[{"role":"user","content":"hi"}],
    "tools":[{"type":"function","function":{"name":"deploy","parameters":{"type":"object"}}}]}'
curl -s "${base}/api/approval-requests?status=pending" -H "authorization: Bearer $RUNGATE_TOKEN"
curl -s -X POST ${base}/api/approval-requests/<id>/approve -H "authorization: Bearer $RUNGATE_TOKEN"
\`\`\`

The call is answered with 202 and \`"status":"awaiting_approval"\`; the same call is served once it is approved. The libraries of OpenAI and
Anthropic take a 202 for an answer: look at its \`status\` before its content.

## A run that is stopped

\`\`\`sh
curl -s -X POST ${base}/api/runs/<id>/stop -H "authorization: Bearer $RUNGATE_TOKEN"
curl -s -X POST ${base}/api/runs/<id>/unblock -H "authorization: Bearer $RUNGATE_TOKEN"
\`\`\`

Calls under way end, and the agent starts no run by itself for a while (403 \`run_blocked_after_force_stop\`), until the second command.
`
