/** What ends an agent, as a trader sends it back. */
import { z } from '@hono/zod-openapi'
import { boundedText, timeInput } from '../../schemas.ts'

/** Longer than any message of ours. */
const message = boundedText(2_000)
/** Those of wallets that are contracts may hold the code that makes them. */
const SIGNATURE_LENGTH_MAX = 40_000
const signature = boundedText(SIGNATURE_LENGTH_MAX).refine(
  (text) => /^0x([0-9a-fA-F]{2})+$/.test(text),
  'must be bytes in hex, 0x first',
)

export const messageInput = z.object({ message, signature }).openapi('AuthVerifyMessageRequest')

export const modeInput = z
  .object({ mode: z.enum(['cancel', 'reset']), nonce: boundedText(100), expiresAt: timeInput, signature })
  .openapi('AgentVerifyModeRequest')
