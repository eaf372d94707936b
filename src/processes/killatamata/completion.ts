/**
 * Finishes what takes two streams and was left undone: the mail of a code that was asked for, and the key that a device was given.
 * A second time does nothing. Beside that it books what has ended (expiry.ts).
 */
import { consequenceContext } from '../../commands/context.ts'
import { emailChallenge } from '../../commands/killatamata/email-challenge.ts'
import { Rejected } from '../../commands/rejection.ts'
import type { Recorded } from '../../events/event.ts'
import type { DeviceLinkEvent, EmailChallengeEvent } from '../../events/killatamata/sign-in.ts'
import { PersonForgotten } from '../../events/sealing.ts'
import { type Delivered, isPoison } from '../../events/subscription.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import { createExpiry, type ExpiryLimits } from './expiry.ts'
import { finishLink } from './linking.ts'
import { mailCode, type SignInParts } from './signing-in.ts'

export const COMPLETION = 'killatamata-completion'

const REQUESTED = 'killatamata.CodeRequested.v1'
const CONSUMED = 'killatamata.LinkConsumed.v1'
type Handled = EmailChallengeEvent | DeviceLinkEvent
type Of<T extends Handled['type']> = Recorded<Extract<Handled, { type: T }>>

type Options = ProcessDependencies & { signIn: SignInParts; expiry: ExpiryLimits }

/** Runs until `signal` aborts; stands by while another process leads. */
export function runCompletion(options: Options): Promise<void> {
  const { signIn, expiry, ...dependencies } = options
  const sweep = createExpiry({ ...dependencies, bus: signIn.bus, expiry })
  const handle = async (events: Delivered[]) => {
    for (const event of events) await unlessGone(options, event)
  }
  const background = (signal: AbortSignal) => [sweep.run(signal)]
  return runProcess({ name: COMPLETION, types: [REQUESTED, CONSUMED], handle, background }, dependencies)
}

/** What a forgotten account refuses now, it refuses for ever: nobody waits for it. */
async function unlessGone(options: Options, event: Delivered): Promise<void> {
  try {
    await finish(options, event)
  } catch (err) {
    if (!(err instanceof Rejected || err instanceof PersonForgotten)) throw err
    options.log.warn({ err, eventId: event.id, stream: event.stream }, 'what follows from an event is refused for good')
  }
}

async function finish({ signIn, log, now = () => new Date() }: Options, event: Delivered): Promise<void> {
  if (isPoison(event)) {
    const { id, stream, type, fault } = event
    log.error({ eventId: id, stream, type, fault }, 'an event about signing in does not decode')
    return
  }
  const at = now().toISOString()
  const context = consequenceContext(COMPLETION, event, at)
  if (event.type === CONSUMED) {
    await finishLink(signIn, (event as Of<typeof CONSUMED>).data, context)
  } else if (event.type === REQUESTED) {
    const { data } = event as Of<typeof REQUESTED>
    const { code } = await signIn.bus.current(emailChallenge, data.identityId)
    if (code?.codeId === data.codeId && code.expiresAt > at) await mailCode(signIn, data, context)
  }
}
