import Registry

// Registry and Publishing both have an update offer and a listed version: here the registry's get second names.
typealias RegistryOffer = UpdateOffer
typealias RegistryVersion = ListedVersion
