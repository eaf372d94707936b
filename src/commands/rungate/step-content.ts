/** The content of a step: logged once. */
import type { StepContentEvent, StepContentFacts } from '../../events/rungate/step-content.ts'
import type { Aggregate } from '../decider.ts'

export interface StepContentState {
  isLogged: boolean
}

export const stepContent: Aggregate<StepContentState, { facts: StepContentFacts }, StepContentEvent> = {
  category: 'rungate.content',
  initialState: { isLogged: false },
  evolve: () => ({ isLogged: true }),
  decide: ({ facts }, { isLogged }) => (isLogged ? [] : [{ type: 'rungate.StepContentLogged.v1', data: facts }]),
}
