/** An action as a page: what it will do, the form that does it, and what came of it. */
import { randomUUID } from 'node:crypto'
import { html } from 'hono/html'
import type { Sealer } from '../cursor.ts'
import type {
  ActionDeclaration,
  DeclaredConsole,
  FormField,
  Markup,
  Performed,
  Prepared,
  Viewer,
} from '../pages/declaration.ts'
import { isFor, missingScopes } from './admission.ts'

const REASON_LENGTH_MAX = 500

/** Buttons that lead to the actions on this thing; those that the key does not allow say which scope it lacks. */
export function actionBar(
  of: DeclaredConsole,
  pagePath: string,
  path: string,
  viewer: Viewer,
  without: readonly string[] = [],
): Markup {
  if (!viewer.mayAct) return ''
  const offered = (of.console.actions ?? []).filter(
    (action) => action.of === pagePath && isFor(of, action, viewer) && !without.includes(action.name),
  )
  if (offered.length === 0) return ''
  return html`<div class="actions" role="group" aria-label="Actions">${offered.map((action) => {
    const missing = missingScopes(action, viewer)
    if (missing.length === 0)
      return html`<a class="button" href="/console${path}/actions/${action.name}" data-dialog>${action.title}…</a>`
    const id = `lacks-${action.name}`
    return html`<button type="button" disabled aria-describedby="${id}">${action.title}…</button>
<small id="${id}">needs the scope ${missing.join(', ')}</small>`
  })}</div>
`
}

const fieldMarkup = (field: FormField, form: URLSearchParams | undefined): Markup => {
  const { name, label, kind = 'text', choices = [], isRequired = false, hint, lengthMax = REASON_LENGTH_MAX } = field
  const id = `field-${name}`
  const value = form ? (form.get(name) ?? '') : (field.value ?? '')
  const described = hint === undefined ? '' : html` aria-describedby="${id}-hint"`
  const needed = isRequired ? html` required` : ''
  const said = hint === undefined ? '' : html`<small id="${id}-hint">${hint}</small>`
  const labelled = html`<label for="${id}">${label}</label>`
  if (kind === 'check')
    return html`<p class="row check"><input type="checkbox" id="${id}" name="${name}" value="true"${
      value === 'true' ? html` checked` : ''
    }${described}>${labelled}${said}</p>`
  if (kind === 'choice')
    return html`<p class="row">${labelled}<select id="${id}" name="${name}"${needed}${described}>${choices.map(
      ([each, says]) => html`<option value="${each}"${each === value ? html` selected` : ''}>${says}</option>`,
    )}</select>${said}</p>`
  if (kind === 'area')
    return html`<p class="row">${labelled}<textarea id="${id}" name="${name}" rows="3" maxlength="${lengthMax}"${needed}${described}>${value}</textarea>${said}</p>`
  const mode = kind === 'number' ? html` inputmode="decimal"` : ''
  return html`<p class="row">${labelled}<input id="${id}" name="${name}" value="${value}" maxlength="${lengthMax}" autocomplete="off"${mode}${needed}${described}>${said}</p>`
}

export const reasonField = (kind: 'required' | 'optional'): FormField => ({
  name: 'reason',
  label: 'Reason',
  kind: 'area',
  isRequired: kind === 'required',
  hint: 'It goes on record with your name.',
  lengthMax: REASON_LENGTH_MAX,
})

export interface ActionPage {
  action: ActionDeclaration
  prepared: Prepared
  /** Of the action itself, and of its thing. */
  address: string
  thing: string
  /** What was sent before, and what was wrong with it. */
  form?: URLSearchParams
  refusal?: Markup
}

export function actionPage({ action, prepared, address, thing, form, refusal = '' }: ActionPage): Markup {
  const { title, reason } = action
  const { says, confirm, obstacle, fields = action.fields ?? [] } = prepared
  if (obstacle !== undefined)
    return html`${refusal}<p role="alert">${obstacle}</p><p><a class="button" href="${thing}">Back</a></p>`
  return html`${refusal}<form class="card action" method="post" action="${address}">
<input type="hidden" name="idempotency_key" value="${form?.get('idempotency_key') ?? randomUUID()}">
<div class="says">${says}</div>
${fields.map((field) => fieldMarkup(field, form))}
${reason === undefined ? '' : fieldMarkup(reasonField(reason), form)}
${confirm === undefined ? '' : confirmation(confirm, form)}
<p class="buttons"><button class="main">${title}</button> <a class="button" href="${thing}" data-cancel>Cancel</a></p>
</form>
`
}

const confirmation = (name: string, form: URLSearchParams | undefined): Markup =>
  fieldMarkup(
    {
      name: 'confirm',
      label: `Type ${name} to confirm`,
      isRequired: true,
      hint: 'It cannot be undone.',
    },
    form,
  )

const boundTo = (sessionId: string) => ['console message', sessionId]

/** What came of an action, as text for the address of the page that follows. */
export const sealMessage = (sealer: Sealer, sessionId: string, { message, links = [] }: Performed): string =>
  sealer.seal(JSON.stringify({ message, links }), boundTo(sessionId))

export function openMessage(sealer: Sealer, sessionId: string, sealed: string | null): Markup {
  const text = sealed === null ? undefined : sealer.open(sealed, boundTo(sessionId))
  if (text === undefined) return ''
  const { message, links } = JSON.parse(text) as Required<Pick<Performed, 'message' | 'links'>>
  return html`<div class="message" role="status">${message} ${links.map(
    ([says, path]) => html`<a href="/console${path}">${says}</a> `,
  )}</div>
`
}
