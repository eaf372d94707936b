/** Stripe's requests: forms whose names say where a value belongs, as `line_items[0][price_data][unit_amount]`. */

export type FormValue = string | FormObject
export interface FormObject {
  [name: string]: FormValue
}

const DEPTH_MAX = 6
const FIELDS_MAX = 200

/** Refuses in Stripe's way. */
export class StripeRefusal extends Error {
  readonly status: number
  readonly error: Record<string, unknown>
  constructor(status: number, error: Record<string, unknown>) {
    super(String(error.message))
    this.status = status
    this.error = error
  }
}

export const invalidRequest = (message: string, param?: string, status = 400): StripeRefusal =>
  new StripeRefusal(status, { type: 'invalid_request_error', message, ...(param !== undefined && { param }) })

/** Lists are objects with the names 0, 1 and so on. Throws StripeRefusal. */
export function parseForm(text: string): FormObject {
  const form: FormObject = Object.create(null)
  let fields = 0
  for (const [name, value] of new URLSearchParams(text)) {
    fields += 1
    if (fields > FIELDS_MAX) throw invalidRequest(`A request has at most ${FIELDS_MAX} fields.`)
    const path = name.replaceAll(']', '').split('[')
    if (path.length > DEPTH_MAX) throw invalidRequest(`The field ${name} is nested too deep.`, name)
    let place = form
    for (const part of path.slice(0, -1)) {
      const next = place[part]
      const below: FormObject = typeof next === 'object' ? next : Object.create(null)
      place[part] = below
      place = below
    }
    const last = path.at(-1) ?? ''
    // `expand[]` names one of several.
    place[last === '' ? String(Object.keys(place).length) : last] = value
  }
  return form
}

const at = (form: FormObject, path: string): FormValue | undefined => {
  let value: FormValue | undefined = form
  for (const part of path.split('.')) value = typeof value === 'object' ? value[part] : undefined
  return value
}

export function textAt(form: FormObject, path: string): string | undefined {
  const value = at(form, path)
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function requiredText(form: FormObject, path: string): string {
  const value = textAt(form, path)
  if (value === undefined) throw invalidRequest(`Missing required param: ${path}.`, path)
  return value
}

/** Whole cents from 1. */
export function amountAt(form: FormObject, path: string): number {
  const text = requiredText(form, path)
  if (!/^[1-9]\d{0,11}$/.test(text)) throw invalidRequest(`Invalid integer: ${text}`, path)
  return Number(text)
}

/** A flat object of texts; `{}` where there is none. */
export function textsAt(form: FormObject, path: string): Record<string, string> {
  const value = at(form, path)
  if (typeof value !== 'object') return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
