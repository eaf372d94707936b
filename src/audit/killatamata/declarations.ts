/** What auditors can check of killatamata, and what its things are known by. */
import type { AuditDeclarations } from '../declarations.ts'
import { affiliateBook } from './affiliate-book.ts'
import { ledgerBook } from './ledger-book.ts'

export const killatamataBooks: AuditDeclarations = {
  streamBooks: { 'killatamata.ledger': [ledgerBook], 'killatamata.affiliate': [affiliateBook] },
  mentions: {
    'killatamata.AccountOpened.v1': { isCreation: true },
    'killatamata.CheckoutRequested.v1': { isCreation: true },
    'killatamata.X402PaymentClaimed.v1': { isCreation: true },
    'killatamata.AffiliateApplied.v1': { isCreation: true },
    'killatamata.SlugClaimed.v1': { isCreation: true, names: ['slug'] },
    'killatamata.GameCreated.v1': { isCreation: true, names: ['slug'] },
    'killatamata.ReleaseUploaded.v1': { isCreation: true },
    'killatamata.LaunchCreated.v1': { isCreation: true },
    'killatamata.LedgerPeriodOpened.v1': { isCreation: true },
    'killatamata.MediaJobRequested.v1': { isCreation: true },
  },
  hidesPersons: true,
}
