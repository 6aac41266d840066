// Where runs happen: what an environment may reach and what is built into it (SDK 1.12.0 resources/beta/environments).
import { hostName } from './addresses.ts'
import { type Fields, fieldsOf, flagOf, isAbsent, listOf, textOf, wordOf } from './fields.ts'
import { addUnknown, asName, asText, type Gathering } from './gathering.ts'

const bodyNames = new Set(['config', 'scope'])
const configNames = new Set(['type', 'networking', 'packages'])
const networkNames = new Set(['type', 'allowed_hosts', 'allow_mcp_servers', 'allow_package_managers'])
const managers: ReadonlySet<string> = new Set(['apt', 'cargo', 'gem', 'go', 'npm', 'pip'])
const packageNames = new Set(['type', ...managers])

/** environments.create: what is not said is a cloud container with unrestricted networking. */
export function addEnvironment(to: Gathering, body: unknown): void {
  addConfig(to, fieldsOf(body, 'body', bodyNames)['config'], '*', 'default')
}

/**
 * environments.update: what is left out stays. An explicit null may mean "as by default", which is unrestricted, so it
 * is judged as that.
 */
export function addEnvironmentUpdate(to: Gathering, body: unknown, id: string): void {
  const { config } = fieldsOf(body, 'body', bodyNames)
  if (config !== undefined) addConfig(to, config, id, 'stays')
}

function addConfig(to: Gathering, config: unknown, id: string, ifOmitted: 'default' | 'stays'): void {
  if (isAbsent(config)) {
    to.add('egress.open', 'host', '*')
    return
  }
  const fields = fieldsOf(config, 'config', configNames)
  const type = wordOf(fields['type'], 'config.type')
  if (type === 'self_hosted') to.add('environment.self_host', 'environment', id)
  else if (type !== 'cloud') addUnknown(to, 'config.type', type)
  const { networking } = fields
  if (!isAbsent(networking)) addNetwork(to, fieldsOf(networking, 'config.networking', networkNames))
  // Somebody else's network is not the provider's to open.
  else if (type !== 'self_hosted' && !(networking === undefined && ifOmitted === 'stays')) {
    to.add('egress.open', 'host', '*')
  }
  addPackages(to, fields['packages'])
}

function addNetwork(to: Gathering, network: Fields): void {
  const at = 'config.networking'
  const type = wordOf(network['type'], `${at}.type`)
  if (type !== 'limited') {
    if (type !== 'unrestricted') addUnknown(to, 'networking.type', type)
    to.add('egress.open', 'host', '*')
    return
  }
  const hosts = network['allowed_hosts']
  for (const [index, host] of (isAbsent(hosts) ? [] : listOf(hosts, `${at}.allowed_hosts`)).entries()) {
    to.add('egress.open', 'host', hostName(host, `${at}.allowed_hosts.${index}`))
  }
  if (flagOf(network['allow_mcp_servers'], `${at}.allow_mcp_servers`, false)) {
    to.add('egress.open', 'host', ':mcp_servers')
  }
  if (flagOf(network['allow_package_managers'], `${at}.allow_package_managers`, false)) {
    to.add('egress.open', 'host', ':package_managers')
  }
}

function addPackages(to: Gathering, packages: unknown): void {
  if (isAbsent(packages)) return
  const fields = fieldsOf(packages, 'config.packages', packageNames)
  for (const [manager, list] of Object.entries(fields)) {
    if (manager === 'type' || isAbsent(list)) continue
    if (!managers.has(manager)) addUnknown(to, 'packages', manager)
    const at = `config.packages.${manager}`
    for (const [index, name] of listOf(list, at).entries()) {
      to.add('package.install', 'package', `${asName(manager)}:${asText(textOf(name, `${at}.${index}`))}`)
    }
  }
}
