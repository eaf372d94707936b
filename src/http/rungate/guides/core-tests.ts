/** The guide `core-tests`: whether an account, its token and its agent work. */
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
`
