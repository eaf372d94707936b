/** The page on which a buyer pays in the stand-in, as Stripe's hosted one: whoever has its link may use it. */
import { OUTCOMES, type Outcome } from './books.ts'
import type { StripeObject } from './store.ts'

export interface Page {
  status: number
  headers: Record<string, string>
  body: string
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const LABELS: Readonly<Record<Outcome, string>> = {
  success: 'Pay',
  decline: 'Pay with a card that is declined',
  late: 'Pay by a method that takes its time',
  late_failure: 'Pay by a method that fails later',
}

export const amountOf = ({ amount_total, currency }: StripeObject): string =>
  `${(Number(amount_total) / 100).toFixed(2)} ${String(currency).toUpperCase()}`

/** `origins`: where a form on it may lead to. */
function html(status: number, title: string, content: string, origins: readonly string[] = []): Page {
  const policy = `default-src 'none'; form-action 'self' ${origins.join(' ')}; frame-ancestors 'none'; base-uri 'none'`
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      ...{ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
    },
    body:
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>` +
      '<meta name="viewport" content="width=device-width, initial-scale=1"></head>' +
      `<body><main><h1>${escaped(title)}</h1>${content}</main></body></html>`,
  }
}

/** The page of a session; `notice` is what came of the last try. */
export function checkoutPage(session: StripeObject, notice = ''): Page {
  const { id, status, name, success_url } = session
  if (status !== 'open') {
    const link = `<p><a href="${escaped(String(success_url))}">Go back</a></p>`
    return html(200, status === 'expired' ? 'This checkout has ended' : 'This is paid', link)
  }
  const buttons = OUTCOMES.map((each) => `<p><button name="outcome" value="${each}">${LABELS[each]}</button></p>`)
  const form = `<form method="post" action="/c/pay/${id}/pay">${buttons.join('')}</form>`
  const said = notice === '' ? '' : `<p role="alert">${escaped(notice)}</p>`
  const words = `<p>${escaped(String(name))}: <strong>${amountOf(session)}</strong></p><p>No real money moves here.</p>`
  return html(200, 'Checkout', `${words}${said}${form}`, [new URL(String(success_url)).origin])
}

export const noSuchPage = (): Page => html(404, 'There is no such checkout', '')

/** See Other, where the form's answer is. */
export const seeOther = (location: string): Page => ({ status: 303, headers: { location }, body: '' })

export const isOutcome = (text: string | undefined): text is Outcome => OUTCOMES.some((each) => each === text)
