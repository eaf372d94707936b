/** The overview: what is wrong, else that all is well; and a card for each thing that a context has to say. */
import { html } from 'hono/html'
import type { Asked, Card, Markup, Shown } from '../pages/declaration.ts'
import { link, live, pathOf } from '../pages/markup.ts'
import type { ConsoleParts } from './access.ts'
import { maySee } from './admission.ts'
import { lastRefused } from './requests-page.ts'
import { plotParts, sampledPlots } from './sampled-plots.ts'

/** Of the instance, for whoever runs it. */
const PLOTS = ['lag', 'events', 'requests', 'times'] as const

/** Of the requests that were refused. */
const REFUSED_MAX = 5

interface Made {
  title: string
  content: Markup
  isWrong: boolean
}

/** Cards of every context, those first that somebody has to look at. */
async function cardsFor(asked: Asked<ConsoleParts>): Promise<Made[]> {
  const { consoles } = asked.runtime
  const made = consoles.flatMap((of) =>
    (of.console.cards ?? [])
      .filter((card) => maySee(of, card, asked.viewer))
      .map(async (card) => {
        const view = card.view as Card<unknown>['view']
        const shown = await view({ ...asked, parts: of.parts })
        return shown ? [{ title: card.title, content: shown.content, isWrong: shown.isWrong ?? false }] : []
      }),
  )
  const cards = (await Promise.all(made)).flat()
  return cards.toSorted((a, b) => Number(b.isWrong) - Number(a.isWrong))
}

async function summary({ runtime, viewer }: Asked<ConsoleParts>, cards: readonly Made[]): Promise<Markup> {
  const { status, dependencies } = await runtime.readiness()
  const down = Object.entries(dependencies).filter(([, { up }]) => !up)
  const wrong = cards.filter(({ isWrong }) => isWrong).length
  if (down.length === 0 && wrong === 0) return html`<p class="well">All is well.</p>`
  if (viewer.audience !== 'administrator') {
    return html`<p>${wrong === 0 ? 'The instance is degraded.' : `${wrong} to look at.`}</p>`
  }
  const names = down.map(([name]) => name).join(', ')
  const says =
    down.length === 0 ? `${wrong} to look at.` : `${status === 'not_ready' ? 'Not ready' : 'Degraded'}: ${names}.`
  return html`<p>${says} <a href="/console/health">Look at the parts</a></p>`
}

/** What this process has refused last, for those whose requests are shown. */
function refusedCard(asked: Asked<ConsoleParts>): Made[] {
  if (asked.viewer.audience === 'auditor') return []
  const refused = lastRefused(asked, REFUSED_MAX)
  if (refused.length === 0) return []
  const content = html`<ul>${refused.map(
    ({ requestId, method, route, status, code }) =>
      html`<li>${link(`${status} ${method} ${route}`, pathOf('requests', requestId))} ${code ?? ''}</li>`,
  )}</ul>`
  return [{ title: 'Requests that were refused last', content, isWrong: false }]
}

const cardMarkup = ({ title, content, isWrong }: Made) =>
  html`<section${isWrong ? html` class="wrong"` : ''}><h2>${title}</h2>${content}</section>`

export async function showOverview(asked: Asked<ConsoleParts>): Promise<Shown> {
  const render = async (): Promise<Markup> => {
    const cards = await cardsFor(asked)
    const all = [...cards, ...refusedCard(asked)]
    return html`${await summary(asked, cards)}<div class="cards-grid">${all.map(cardMarkup)}</div>`
  }
  const plots = asked.viewer.audience === 'administrator' ? PLOTS : []
  const parts = { cards: render, ...plotParts(asked, plots) }
  if (asked.part !== undefined) return { content: '', parts }
  return { content: html`${live(asked, 'cards', await render())}${sampledPlots(asked, plots)}`, parts }
}
