/** The guide `reference`: addresses, credentials and refusals at a glance. */
export const reference = (base: string): string => `# Reference

The whole contract: [openapi.json](${base}/openapi.json).

## Credentials

| credential | sent as | opens |
|---|---|---|
| admin token \`rg_adm_…\` | \`Authorization: Bearer\` | \`/api\`, by its scopes \`read\`, \`write\`, \`admin\` |
| agent key \`rg_sk_…\` | \`Authorization: Bearer\` or \`x-api-key\` | \`/v1\` |

A scope includes those below it: \`admin\` is \`write\` too, and \`write\` is \`read\`.

## Refusals

| status | \`error.type\` | why |
|---|---|---|
| 400 | \`validation_error\` | \`error.fields\` names each member with what it must be |
| 401 | | nothing signed in: \`{"error":"Authentication required"}\` |
| 403 | \`forbidden\` | a scope is missing |
| 404 | \`not_found\` | nothing of your account has this id |
| 409 | \`conflict\` | a name is taken, or something is in use |
| 429 | \`rate_limited\` | wait as many seconds as \`Retry-After\` says |
| 503 | \`service_unavailable\` | a service behind this API does not answer: try again |

Calls of models are refused in words of their own: \`{"error":{"type":"governance_block","code","message","run_id","details","context"}}\`.

| status | \`error.code\` | why |
|---|---|---|
| 202 | | tools of the request wait for approval: send the same request again |
| 402 | \`budget_exceeded\`, \`budget_alert_exceeded\` | the rest of a budget does not pay for it |
| 403 | \`model_not_allowed\`, \`tool_blocked\` | the policy does not allow it |
| 403 | \`agent_disabled\`, \`run_force_stopped\`, \`run_blocked_after_force_stop\` | an operator has stopped it |
| 403 | \`runaway_prevention\` | the run has made all its steps: complete it |
| 429 | \`rate_limited\` | requests or tokens of a minute, or steps of a month |
| 502 | | no provider served it: \`error.details\` says what was tried |

## Headers of calls

\`x-rungate-run-id\`, \`x-rungate-run-policy\`, \`x-rungate-run-name\`, \`x-rungate-run-metadata\` (JSON) and \`x-rungate-new-run\` say which run
a call belongs to. Members of the body with these names have the same effect, and no provider gets them.

Amounts are US dollars as JSON numbers, exact to the last digit: read them as decimals. Times are UTC.
`
