/** The guide `advanced-tests`: tokens, versions of policies, and keys that end. */
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
`
