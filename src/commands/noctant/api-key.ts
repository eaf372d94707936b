/** An operator's API keys: `nct_<environment>_<id>_<secret><check>`. */
import { keyTexts } from '../../api-keys/key-text.ts'
import { environment } from '../../events/noctant/vocabulary.ts'

export const { generate: generateApiKey, parse: parseApiKey } = keyTexts('nct', environment.options)

export { hashKey as hashApiKey } from '../../api-keys/key-text.ts'
