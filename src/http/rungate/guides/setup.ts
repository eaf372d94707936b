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

The secret is kept sealed. Answers show its first three and last four characters.

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
`
