/** The guide `core-tests`: whether an account, its token and its agent work, and calls of models. */
export const coreTests = (base: string): string => `# Core tests

Each command needs \`RUNGATE_TOKEN\` and \`RUNGATE_KEY\` of the guide \`setup\`.

| what | command | expected |
|---|---|---|
| the service answers | \`curl -s ${base}/health\` | \`"storage":"connected"\` |
| the token signs in | \`curl -s ${base}/api/account -H "authorization: Bearer $RUNGATE_TOKEN"\` | your account |
| the agent's key signs in | \`curl -s ${base}/v1/me -H "authorization: Bearer $RUNGATE_KEY"\` | the agent and its limits |
| \`x-api-key\` does too | \`curl -s ${base}/v1/me -H "x-api-key: $RUNGATE_KEY"\` | the same |
| nobody gets in without a key | \`curl -s ${base}/api/account\` | \`{"error":"Authentication required"}\` |
| an agent's key is no token | \`curl -s ${base}/api/account -H "authorization: Bearer $RUNGATE_KEY"\` | the same |

## Calls of models

These need a provider key, which the guide \`setup\` adds.

\`\`\`sh
call() { curl -si ${base}/v1/chat/completions -H "authorization: Bearer $RUNGATE_KEY" -H 'content-type: application/json' "$@"; }
call -d '{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}'
call -d '{"model":"gpt-5","stream":true,"messages":[{"role":"user","content":"hi"}]}'
call -H 'x-rungate-new-run: true' -H 'x-rungate-run-name: nightly' \\
  -d '{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}'
curl -si ${base}/v1/messages -H "x-api-key: $RUNGATE_KEY" -H 'content-type: application/json' \\
  -d '{"model":"claude-haiku-4-5","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}'
\`\`\`

| what | expected |
|---|---|
| the first call | 200, \`X-Rungate-Run-Id\` and \`X-Rungate-Cost-Usd\` |
| the second one, a stream | frames that end with \`data: [DONE]\`; tokens and cost follow as trailers |
| the third one | another \`X-Rungate-Run-Id\`: the run of before has ended |
| the fourth one, in Anthropic's format | 200 where there is a key of Anthropic, else 502 that says what is missing |

A call belongs to the latest run of the agent that goes on, unless a header names another. \`POST ${base}/v1/runs/current/complete\` ends it.
`
