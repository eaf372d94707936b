/** The headers of x402, version 2, by the protocol's own library: what has to be paid, the payment, and what became of it. */
import { decodePaymentSignatureHeader, encodePaymentRequiredHeader, encodePaymentResponseHeader } from '@x402/core/http'
import type { PaymentRequired, SettleResponse } from '@x402/core/types'
import { z } from 'zod'
import type { SignedAuthorization } from './authorization.ts'

/** The header with the payment cannot be read. */
export class PaymentMalformed extends Error {
  override name = 'PaymentMalformed'
}

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/)
const whole = z.string().regex(/^\d{1,78}$/)
/** Bytes of a smart account’s signature, far more than any has. */
const HEX_LENGTH_MAX = 20_000
const payment = z.looseObject({
  x402Version: z.literal(2),
  accepted: z.looseObject({
    ...{ scheme: z.string(), network: z.string(), asset: address, payTo: address },
    amount: whole,
  }),
  payload: z.looseObject({
    signature: z.string().regex(new RegExp(`^0x(?:[0-9a-fA-F]{2}){1,${HEX_LENGTH_MAX}}$`)),
    authorization: z.looseObject({
      ...{ from: address, to: address, value: whole, validAfter: whole, validBefore: whole },
      nonce: z.string().regex(/^0x[0-9a-fA-F]{64}$/),
    }),
  }),
})

export interface BroughtPayment {
  /** What the payer has agreed to. */
  accepted: { scheme: string; network: string; asset: string; payTo: string; amount: string }
  authorization: SignedAuthorization
}

/** Throws PaymentMalformed. */
export function readPayment(header: string): BroughtPayment {
  let read: z.output<typeof payment>
  try {
    read = payment.parse(decodePaymentSignatureHeader(header))
  } catch (cause) {
    throw new PaymentMalformed('the payment cannot be read', { cause })
  }
  const { accepted, payload } = read
  const { scheme, network, asset, payTo, amount } = accepted
  const { from, to, value, validAfter: validAfterS, validBefore: validBeforeS, nonce } = payload.authorization
  const { signature } = payload
  return {
    accepted: { scheme, network, asset, payTo, amount },
    authorization: { network, asset, from, to, value, validAfterS, validBeforeS, nonce, signature },
  }
}

export const requiredHeader = (required: Omit<PaymentRequired, 'x402Version'>): string =>
  encodePaymentRequiredHeader({ x402Version: 2, ...required })

export const responseHeader = ({
  network,
  ...response
}: Omit<SettleResponse, 'network'> & { network: string }): string =>
  encodePaymentResponseHeader({ ...response, network: network as SettleResponse['network'] })
