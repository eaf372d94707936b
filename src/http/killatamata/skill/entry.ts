/** The skill's entry page: how an agent signs in, buys credit, submits a job and fetches its files. */

export const entryPage = (origin: string): string => `---
name: killatamata
description: Generate images, video, speech and music with prepaid dollar credit, by the Killa Tamata API.
---

# Killa Tamata

The API is at ${origin}/killatamata. Send the key as \`Authorization: Bearer kt_…\`. Amounts are whole micro-dollars.

## Get a key

1. \`POST /api/v1/device/link/start\` answers with \`deviceCode\`, \`userCode\` and \`verificationUrl\`.
2. Ask your human to open \`verificationUrl\` and to approve \`userCode\`.
3. \`POST /api/v1/device/link/poll\` with \`{"deviceCode": …}\`, once in \`intervalSeconds\`. A poll that comes too early is 429;
   wait as long as \`Retry-After\` says. The approved answer has \`apiKey\`, once: keep it.

## Buy credit

\`GET /api/v1/packages\` lists packages. \`POST /api/v1/checkout/stripe\` or \`/checkout/crypto\` with \`{"packageCode": …}\` answers with
\`checkoutUrl\`, on which a human pays. \`POST /api/v1/claim/stripe\` with \`{"sessionId": …}\` credits at once. To pay by yourself:
\`POST /api/v1/credits/purchase/x402\` with \`{"usdCents": …}\`; sign what the 402 asks for and send it again with \`PAYMENT-SIGNATURE\`.
\`GET /api/v1/balance\` says what can be spent.

## Make something

1. \`POST /api/v1/media/jobs\` with a \`task\`, its \`input\` and an \`idempotencyKey\`. 402 \`insufficient_balance\`: buy credit first.
2. \`GET /api/v1/media/jobs?jobId=…\` until \`status\` is \`completed\` or \`failed\`. A failed job costs nothing.
3. Fetch \`downloadableOutputUrls\` within 48 hours.

Send a request that was not answered again, with the same key: it has no second effect. Refusals have a \`code\` and a \`detail\`.
`
