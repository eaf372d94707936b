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

Amounts are US dollars as JSON numbers, exact to the last digit: read them as decimals. Times are UTC.
`
