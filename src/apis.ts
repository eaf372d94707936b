/** The contexts' HTTP, in the order in which the documents list them. */
import { audit } from './http/audit/api.ts'
import { noctant } from './http/noctant/api.ts'

export const apis = [noctant, audit] as const
