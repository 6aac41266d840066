// Which model, how fast, how hard and where: `model` as a string or an object, in requests and in answers.
import { fieldsOf, isAbsent, isObject, unreadable, wordOf } from './fields.ts'
import { addUnknown, asName, asText, type Gathering } from './gathering.ts'

const modelNames = new Set(['id', 'effort', 'inference_geo', 'speed'])

/** `model` of an agent, an override or a dream. Absent hands out nothing: the saved one stays. */
export function addModel(to: Gathering, model: unknown, at: string): void {
  if (isAbsent(model)) return
  if (!isObject(model)) {
    to.add('model.use', 'model', modelName(model, at))
    to.add('model.locate', 'geo', 'unset')
    return
  }
  const fields = fieldsOf(model, at, modelNames)
  const name = modelName(fields['id'], `${at}.id`)
  to.add('model.use', 'model', name)
  addSpeed(to, name, fields['speed'], `${at}.speed`)
  addGeo(to, fields['inference_geo'], `${at}.inference_geo`)
  addEffort(to, fields['effort'], `${at}.effort`)
}

/** A model's name as the last part of an object. */
export function modelName(model: unknown, at: string): string {
  return asText(wordOf(model, at))
}

/** `fast` costs about twice as much; `standard` and absence are the same. */
export function addSpeed(to: Gathering, model: string, speed: unknown, at: string): void {
  if (isAbsent(speed) || speed === 'standard') return
  if (speed === 'fast') to.add('model.fast', 'model', model)
  else addUnknown(to, 'model.speed', wordOf(speed, at))
}

/** Where the model runs; absence leaves it to the workspace, and a rule may forbid that too. */
export function addGeo(to: Gathering, geo: unknown, at: string): void {
  to.add('model.locate', 'geo', isAbsent(geo) ? 'unset' : asName(wordOf(geo, at)))
}

const effortNames = new Set(['type'])

/** `"high"` or `{"type": "high"}`. */
function addEffort(to: Gathering, effort: unknown, at: string): void {
  if (isAbsent(effort)) return
  const level = isObject(effort) ? fieldsOf(effort, at, effortNames)['type'] : effort
  to.add('model.effort', 'effort', asName(wordOf(level, at)))
}

const identityNames = new Set(['type', 'role_arn'])

/** `execution_identity`: as whom runs of the agent act. Absence and `service_account` are the provider's own. */
export function addIdentity(to: Gathering, identity: unknown, at: string): void {
  if (isAbsent(identity)) return
  const fields = fieldsOf(identity, at, identityNames)
  const type = wordOf(fields['type'], `${at}.type`)
  if (type === 'service_account' && isAbsent(fields['role_arn'])) return
  if (type !== 'aws_role') addUnknown(to, 'execution_identity.type', type)
  if (!isAbsent(fields['role_arn'])) to.add('identity.assume', 'identity', roleName(fields['role_arn'], at))
  else if (type === 'aws_role') unreadable(`${at}.role_arn`)
}

function roleName(arn: unknown, at: string): string {
  if (typeof arn !== 'string' || !plainArn.test(arn)) return unreadable(`${at}.role_arn`)
  return asText(arn)
}

const plainArn = /^[\x21-\x7e]{1,2048}$/
