/** What a test may order of the stand-in: that something goes wrong next, and what people do in Stripe's dashboard. */
import type { Books } from './books.ts'
import { amountAt, type FormObject, invalidRequest, requiredText, textAt } from './form.ts'
import type { StripeStore } from './store.ts'

const COUNT_MAX = 1_000

/** Each goes wrong so many times; the form's `count`, default 1. */
const FAULTS: Readonly<Record<string, (form: FormObject) => string>> = {
  /** Charges without the customer: by this code, as `authentication_required`. */
  decline_next: (form) => textAt(form, 'code') ?? 'card_declined',
  /** Writes are executed, and their answers do not arrive. */
  lose_answers: () => '',
  /** Events are never sent. */
  drop_events: () => '',
  /** Requests fail with this status, without an effect. */
  fail_next: (form) => textAt(form, 'status') ?? '500',
}

function countOf(form: FormObject): number {
  const count = Number(textAt(form, 'count') ?? 1)
  if (Number.isInteger(count) && count >= 0 && count <= COUNT_MAX) return count
  throw invalidRequest(`count is 0 to ${COUNT_MAX}`, 'count')
}

/** Carries the order out. Throws StripeRefusal where it is none. */
export function orderFault(
  name: string,
  form: FormObject,
  { store, books }: { store: StripeStore; books: Books },
): object {
  const fault = Object.hasOwn(FAULTS, name) ? FAULTS[name] : undefined
  if (fault) {
    const count = countOf(form)
    store.orderFault(name, fault(form), count)
    return { ordered: name, count }
  }
  const livemode = textAt(form, 'livemode') !== 'false'
  if (name === 'refund' || name === 'dispute') {
    const amount = textAt(form, 'amount') === undefined ? undefined : amountAt(form, 'amount')
    return books[name](requiredText(form, 'payment_intent'), livemode, amount)
  }
  if (name === 'pay') return books.payUntold(requiredText(form, 'session'), livemode)
  if (name === 'refund_untold') {
    const amount = textAt(form, 'amount') === undefined ? undefined : amountAt(form, 'amount')
    const [event] = books.untoldEventsOf(() => books.refund(requiredText(form, 'payment_intent'), livemode, amount))
    return { event }
  }
  // As Stripe does a day later.
  if (name === 'forget_keys') return { ordered: name, count: store.forgetAnswers() }
  throw invalidRequest(`There is no such order: ${name}`, undefined, 404)
}
