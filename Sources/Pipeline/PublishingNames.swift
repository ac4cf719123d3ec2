import Publishing

// `Publishing.PermissionRow` is a page's row, `Registry.PermissionRow` an update's; here the page's gets a second name.
typealias ShownPermission = PermissionRow
