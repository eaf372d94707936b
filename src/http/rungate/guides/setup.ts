/** The guide `setup`: from nothing to an agent with limits of its own. */
export const setup = (base: string): string => `# Set up rungate

Rungate stands between your agents and the providers of models. An agent has a key and a policy; the policy says what it may do.

## 1. Register

\`\`\`sh
curl -s ${base}/v1/register -H 'content-type: application/json' -d '{"name":"Acme"}'
\`\`\`

The answer shows an admin token (\`rg_adm_…\`) and the key of a first agent (\`rg_sk_…\`). Neither is shown again:

\`\`\`sh
export RUNGATE_TOKEN=rg_adm_…
export RUNGATE_KEY=rg_sk_…
\`\`\`

## 2. Add a provider key

\`\`\`sh
curl -s ${base}/api/provider-keys -H "authorization: Bearer $RUNGATE_TOKEN" \\
  -H 'content-type: application/json' \\
  -d '{"provider":"openai","name":"main","api_key":"sk-…"}'
\`\`\`

The secret is kept sealed. Answers show its first three and last four characters. A key of \`anthropic\` works alike; any other
provider needs a \`base_url\`, as its own library takes it.

Without an account at a provider, \`opslog rungate simulator\` starts one on this machine: take the \`base_url\` that it prints, and any
\`api_key\`.

## 3. Limit what an agent may spend

\`\`\`sh
curl -s -X PUT ${base}/api/policies/by-name/careful -H "authorization: Bearer $RUNGATE_TOKEN" \\
  -H 'content-type: application/json' \\
  -d '{"budget":{"hard_limit_usd":0.5},"allowed_models":["gpt-*"]}'
\`\`\`

## 4. Make an agent with that policy

\`\`\`sh
curl -s ${base}/api/agents -H "authorization: Bearer $RUNGATE_TOKEN" \\
  -H 'content-type: application/json' \\
  -d '{"name":"writer","policy_id":"<the id of the policy>"}'
\`\`\`

Its key is shown in that answer alone. A lost one is replaced: \`POST ${base}/api/agents/<id>/rotate-key\`.
${calling(base)}`

const calling = (base: string): string => `
## 5. Call a model

\`\`\`sh
curl -si ${base}/v1/chat/completions -H "authorization: Bearer $RUNGATE_KEY" \\
  -H 'content-type: application/json' \\
  -d '{"model":"gpt-5","messages":[{"role":"user","content":"Say hello."}]}'
\`\`\`

The headers \`X-Rungate-…\` say which run and step it is, who served it, what it cost, and what is left of the budget. The libraries of
OpenAI and Anthropic need the base URL alone, and the agent's key in the place of the provider's:

\`\`\`sh
export OPENAI_BASE_URL=${base}/v1 OPENAI_API_KEY=$RUNGATE_KEY
export ANTHROPIC_BASE_URL=${base} ANTHROPIC_API_KEY=$RUNGATE_KEY
\`\`\`

Claude Code and other tools that read these variables work with them as they are.

## 6. Look at what it did

\`\`\`sh
curl -s ${base}/v1/runs/current -H "authorization: Bearer $RUNGATE_KEY"
curl -s ${base}/api/runs -H "authorization: Bearer $RUNGATE_TOKEN"
curl -s "${base}/api/analytics/costs?group_by=model" -H "authorization: Bearer $RUNGATE_TOKEN"
\`\`\`

The guides \`core-tests\` and \`advanced-tests\` show what is refused, and how.
`
