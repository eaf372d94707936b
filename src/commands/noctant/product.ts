/**
 * What an operator sells: a template at a price, with the gates and limits of its users. The id follows from the request's
 * key, so that a repeat finds the product again; the slug is claimed in a stream of its own.
 */
import type { ProductEvent, ProductSlugEvent, ProductSpaceEvent, ProductStatus } from '../../events/noctant/product.ts'
import { PartedMap } from '../../runtime/parted-map.ts'
import type { Aggregate } from '../decider.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { deterministicId } from '../identity.ts'
import { currencyOf, Exact } from './money.ts'
import { Rejected } from './rejection.ts'
import { visibleTemplate } from './template.ts'

export type ProductCreated = Extract<ProductEvent, { type: 'noctant.ProductCreated.v1' }>['data']
export type ProductFacts = Omit<ProductCreated, 'productId' | 'occurredAt'>

export type ProductState =
  | { status: 'absent' }
  | {
      status: ProductStatus
      facts: ProductCreated
      updatedAt: string
      /** First time it was active. */
      activatedAt: string | null
      archivedAt: string | null
    }

export type ProductCommand =
  | { kind: 'create'; facts: ProductFacts; productId: string; at: string }
  | { kind: 'changeStatus'; operatorId: string; to: ProductStatus; reason: string | null; at: string }

/** What may follow on each status. A product that was for sale never becomes a draft again. */
const transitions: Record<ProductStatus, readonly ProductStatus[]> = {
  draft: ['active', 'hidden', 'archived'],
  active: ['hidden', 'archived'],
  hidden: ['active', 'archived'],
  archived: [],
}

export const product: Aggregate<ProductState, ProductCommand, ProductEvent> = {
  category: 'noctant.product',
  initialState: { status: 'absent' },

  evolve(state, event) {
    const { occurredAt } = event.data
    switch (event.type) {
      case 'noctant.ProductCreated.v1': {
        const { status } = event.data
        const activatedAt = status === 'active' ? occurredAt : null
        const archivedAt = status === 'archived' ? occurredAt : null
        return { status, facts: event.data, updatedAt: occurredAt, activatedAt, archivedAt }
      }
      case 'noctant.ProductStatusChanged.v1': {
        if (state.status === 'absent') return state
        const { to } = event.data
        const activatedAt = to === 'active' ? (state.activatedAt ?? occurredAt) : state.activatedAt
        const archivedAt = to === 'archived' ? occurredAt : state.archivedAt
        return { ...state, status: to, updatedAt: occurredAt, activatedAt, archivedAt }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'create') {
      if (state.status !== 'absent') throw new Rejected('idempotency_key_reused', 'The key stands for another product.')
      const { facts, productId, at } = command
      const data = { ...facts, ...priced(facts), productId, occurredAt: at }
      return [{ type: 'noctant.ProductCreated.v1', data }]
    }
    const { operatorId, to, reason, at } = command
    if (state.status === 'absent' || state.facts.operatorId !== operatorId) {
      throw new Rejected('product_not_found', 'The operator has no such product.')
    }
    if (state.status === to) return []
    if (!transitions[state.status].includes(to)) {
      throw new Rejected('product_status_conflict', `A product that is ${state.status} cannot become ${to}.`)
    }
    const { productId } = state.facts
    const data = { productId, operatorId, from: state.status, to, reason, occurredAt: at }
    return [{ type: 'noctant.ProductStatusChanged.v1', data }]
  },
}

const PRICE = /^\+?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?$/
/** 16 digits before the point, 2 behind it. */
const PRICE_MAX = new Exact('9999999999999999.99')

/** Currency and price in their canonical form: `"499"` → `"499.00"`. Rejects with invalid_price, invalid_currency. */
function priced({ price, currency }: { price: string; currency: string }): { price: string; currency: string } {
  const refused = (detail: string) => new Rejected('invalid_price', detail, '/price')
  if (!PRICE.test(price)) throw refused('The price must be a decimal number, not below zero.')
  const amount = new Exact(price)
  if (amount.greaterThan(PRICE_MAX)) throw refused(`The price is above ${PRICE_MAX.toFixed()}.`)
  if (amount.decimalPlaces() > 2) throw refused('The price has at most 2 decimals.')
  return { price: amount.toFixed(2), currency: currencyOf(currency) }
}

export const productSlugIdOf = (operatorId: string, slug: string): string =>
  deterministicId('noctant.productSlug', operatorId, slug)

type SlugState = { claimedBy: string | null }

const productSlug: Aggregate<
  SlugState,
  { operatorId: string; slug: string; productId: string; at: string },
  ProductSlugEvent
> = {
  category: 'noctant.productSlug',
  initialState: { claimedBy: null },
  evolve: (_, event) => ({ claimedBy: event.data.productId }),
  decide({ operatorId, slug, productId, at }, state) {
    if (state.claimedBy === productId) return []
    if (state.claimedBy) throw slugTaken(slug)
    return [{ type: 'noctant.ProductSlugClaimed.v1', data: { operatorId, slug, productId, occurredAt: at } }]
  },
}

const slugTaken = (slug: string) =>
  new Rejected('product_slug_taken', `The slug ${slug} stands for another product.`, '/slug')

/** A list shows the metadata of all of an operator's products, so together they are bounded. */
const METADATA_TOTAL_MAX_BYTES = 1_048_576
/** As many products as a list has are no burden with this much each: no room is kept for it. */
const METADATA_SMALL_BYTES = 1_024

interface SpaceState {
  bytes: number
  bySlug: PartedMap<number>
}

/** Reserved by slug, so that a request which is sent again, under another key too, takes no more. */
export const productSpace: Aggregate<
  SpaceState,
  { operatorId: string; slug: string; bytes: number; at: string },
  ProductSpaceEvent
> = {
  category: 'noctant.productSpace',
  initialState: { bytes: 0, bySlug: new PartedMap() },
  evolve({ bytes, bySlug }, { data }) {
    const more = data.bytes - (bySlug.get(data.slug) ?? 0)
    return { bytes: bytes + more, bySlug: bySlug.with(data.slug, data.bytes) }
  },
  decide({ operatorId, slug, bytes, at }, state) {
    const more = bytes - (state.bySlug.get(slug) ?? 0)
    if (more <= 0) return []
    if (state.bytes + more > METADATA_TOTAL_MAX_BYTES) {
      const detail = `The metadata of all products together have at most ${METADATA_TOTAL_MAX_BYTES} bytes.`
      throw new Rejected('product_metadata_limit_reached', detail, '/metadata')
    }
    return [{ type: 'noctant.ProductSpaceReserved.v1', data: { operatorId, slug, bytes, occurredAt: at } }]
  },
}

/** Rejects with product_metadata_limit_reached; with product_slug_taken before any room is kept for nothing. */
async function reserveSpace(
  bus: CommandBus,
  { operatorId, slug, metadata, metadataText }: ProductFacts,
  productId: string,
  context: CommandContext,
): Promise<void> {
  const bytes = Buffer.byteLength(metadataText ?? JSON.stringify(metadata), 'utf8')
  if (bytes <= METADATA_SMALL_BYTES) return
  const { claimedBy } = await bus.current(productSlug, productSlugIdOf(operatorId, slug))
  if (claimedBy !== null && claimedBy !== productId) throw slugTaken(slug)
  const reservation = { ...context, commandId: deterministicId('space', context.commandId), fingerprint: undefined }
  await bus.handle(productSpace, operatorId, { operatorId, slug, bytes, at: context.at }, reservation)
}

/**
 * Creates a product, or answers with the one that the context's key made before. Rejects with template_not_found,
 * product_slug_taken, product_metadata_limit_reached, invalid_price, invalid_currency and idempotency_key_reused. Repeatable
 * after a crash between the room for its metadata, the claim of the slug, and the product.
 */
export function createProduct(
  bus: CommandBus,
  facts: ProductFacts,
  context: CommandContext,
): Promise<Handled<ProductState, ProductEvent>> {
  const { operatorId, slug, templateId } = facts
  const { at } = context
  const productId = deterministicId('noctant.product', context.commandId)
  const command = { kind: 'create', facts, productId, at } as const
  return bus.handle(product, productId, command, context, async () => {
    priced(facts)
    await visibleTemplate(bus, operatorId, templateId)
    await reserveSpace(bus, facts, productId, context)
    const claim = { ...context, commandId: deterministicId('claim', context.commandId), fingerprint: undefined }
    await bus.handle(productSlug, productSlugIdOf(operatorId, slug), { operatorId, slug, productId, at }, claim)
  })
}

export type ExistingProduct = Exclude<ProductState, { status: 'absent' }>

/** The operator's product. Rejects with product_not_found; another operator's counts as none. */
export async function productOf(bus: CommandBus, operatorId: string, productId: string): Promise<ExistingProduct> {
  const state = await bus.current(product, productId)
  if (state.status !== 'absent' && state.facts.operatorId === operatorId) return state
  throw new Rejected('product_not_found', 'The operator has no such product.', '/product_id')
}

/**
 * Rejects where no account may be opened for the product: product_not_found, product_not_sellable, and
 * template_not_found where its template is hidden or archived.
 */
export async function requireSellable(bus: CommandBus, operatorId: string, productId: string): Promise<void> {
  const { status, facts } = await productOf(bus, operatorId, productId)
  const refused = (detail: string) => new Rejected('product_not_sellable', detail, '/product_id')
  if (status !== 'active' && status !== 'hidden') throw refused(`The product is ${status}.`)
  try {
    await visibleTemplate(bus, operatorId, facts.templateId)
  } catch (error) {
    if (error instanceof Rejected) throw refused('The template of the product is not offered at the moment.')
    throw error
  }
}
