/** The words of noctant's document. */
import type { Words } from '../words.ts'
import { accountWords } from './words/accounts.ts'
import { businessWords } from './words/business.ts'
import { tradingWords } from './words/trading.ts'

export const words: Words = { ...accountWords, ...tradingWords, ...businessWords }
