/**
 * The hosted pages in HTML: one card each, without any other host, a font to load or a framework. The policy names the
 * style and the script by their hashes, so that nothing else on the page can run, whatever gets into it.
 */
import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import type { TerminalSession } from '../../../projections/noctant/launch-session.ts'

const STYLE = `
:root { color-scheme: light dark; --ink: #16202c; --soft: #5b6b7c; --line: #d9e0e7; --card: #fff; --page: #eef2f5; --mark: #0a6b58 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eef3; --soft: #9aaaba; --line: #2c3947; --card: #17212b; --page: #0e151c; --mark: #3fc7a6 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--page);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 30rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.25 }
p { margin: 0 0 1rem; color: var(--soft) }
.who { font-size: .8125rem; letter-spacing: .04em; color: var(--soft) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1.5rem; margin: 1.25rem 0; padding: 1.25rem 0;
  border-block: 1px solid var(--line) }
dt { color: var(--soft) }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
button, a.button { display: inline-block; padding: .625rem 1.25rem; border: 0; border-radius: .5rem; background: var(--mark);
  color: var(--card); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer }
button:focus-visible, a:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px }
`

/** Goes on by itself, but only in a page that somebody looks at: a page fetched ahead waits. */
const SCRIPT = `
const go = () => document.getElementById('launch').requestSubmit()
if (document.prerendering) document.addEventListener('prerenderingchange', go, { once: true })
else if (document.visibilityState === 'visible') go()
else document.addEventListener('visibilitychange', go, { once: true })
`

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(SCRIPT)}`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

type Markup = ReturnType<typeof html>

const page = (title: string, content: Markup) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="robots" content="noindex" />
    <title>${title}</title>
    <style>${raw(STYLE)}</style>
  </head>
  <body>
    <main>${content}</main>
  </body>
</html>`

const backTo = (returnUrl: string | null) =>
  returnUrl === null ? '' : html`<a class="button" href="${returnUrl}">Back to ${new URL(returnUrl).host}</a>`

/** The link was followed; the form redeems it. */
export const launchPage = (operatorName: string) =>
  page(
    'Opening the terminal',
    html`<div class="who">${operatorName}</div>
      <h1>Opening the terminal</h1>
      <p>This link works once. If nothing happens, press the button.</p>
      <form id="launch" method="post"><button>Open the terminal</button></form>
      <script>${raw(SCRIPT)}</script>`,
  )

/** Nothing can be opened; says why and, where there is one, shows the way back. */
export const problemPage = (title: string, text: string, returnUrl: string | null) =>
  page(
    title,
    html`<h1>${title}</h1>
      <p>${text}</p>
      ${backTo(returnUrl)}`,
  )

const modeNames = {
  terminal: 'Terminal',
  challenge: 'Challenge',
  simulator: 'Simulator',
  replay: 'Replay',
  backtest: 'Backtest',
} as const

/** What was launched, and how it stands. */
export const terminalPage = (session: TerminalSession) => {
  const mode = modeNames[session.requested_product_mode]
  const { historical_launch: historical } = session
  const name = session.account_name ?? session.account_number ?? session.feed_symbol ?? mode
  const facts: [string, string | null][] = [
    ['Product', mode],
    ['Account', session.account_number],
    ['Status', session.account_status],
    ['Currency', session.currency],
    ['Symbol', session.feed_symbol],
    ['From', historical && minutes(historical.market_time_start)],
    ['To', historical && minutes(historical.market_time_end)],
    ['Signed in until', session.browser_session_expires_at && minutes(session.browser_session_expires_at)],
  ]
  return page(
    name,
    html`<div class="who">${session.operator_name}</div>
      <h1>${name}</h1>
      <dl>
        ${facts.flatMap(([term, value]) => (value === null ? [] : [html`<dt>${term}</dt><dd>${value}</dd>`]))}
      </dl>
      ${backTo(session.return_url)}`,
  )
}

/** `2026-01-05 09:30 UTC`. */
const minutes = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`
